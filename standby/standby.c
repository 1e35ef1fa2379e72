/*
 * standby: PID 1 of a pod that waits to be restored.
 *
 *   standby [-- CMD ARGS...]   waits; the agent names the restored root, or asks for a cold start (CMD) or for an end
 *   standby --install DIR      copies itself to DIR/standby (run by an init container, so that any image will do)
 *   standby --probe            exit 0 when the worker in this container is running: a startup probe that needs nothing of the image
 *
 * The agent speaks by sigqueue(3): 40 = value is the pid of the restored root in our pid namespace, 41 = end with that exit code,
 * 42 = run CMD in our place. Every other signal goes on to the restored root, and its end is ours: same exit status.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIG_ADOPT = 40, SIG_FAIL = 41, SIG_COLD_START = 42, REMEMBERED = 64 };

/* Children that ended before the agent said which one matters. */
static struct { pid_t pid; int status; } ended[REMEMBERED];
static unsigned ended_count;

static int exit_code(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

static void reap(pid_t main_pid) {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == main_pid) _exit(exit_code(status));
    ended[ended_count % REMEMBERED].pid = pid;
    ended[ended_count++ % REMEMBERED].status = status;
  }
}

static void leave_if_ended(pid_t pid) {
  for (unsigned i = 0; i < REMEMBERED; i++)
    if (pid > 0 && ended[i].pid == pid) _exit(exit_code(ended[i].status));
}

static void cold_start(char **command) {
  if (!command) {
    dprintf(2, "standby: there is no command to start cold\n");
    _exit(127);
  }
  sigset_t none;
  sigemptyset(&none);
  for (int n = 1; n < NSIG; n++) signal(n, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, 0);
  execvp(command[0], command);
  dprintf(2, "standby: cannot run %s: %s\n", command[0], strerror(errno));
  _exit(127);
}

static int wait_for_orders(char **command) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, 0);
  prctl(PR_SET_NAME, "standby");
  dprintf(2, "standby: waiting for restore\n");
  pid_t main_pid = 0;
  for (;;) {
    siginfo_t info;
    int n = sigwaitinfo(&all, &info);
    if (n < 0) continue;
    if (n == SIGCHLD) reap(main_pid);
    else if (n == SIG_ADOPT) {
      if (info.si_value.sival_int <= 1) continue;
      main_pid = info.si_value.sival_int;
      prctl(PR_SET_NAME, "standby:live");
      leave_if_ended(main_pid);
    } else if (n == SIG_FAIL) _exit(info.si_value.sival_int ? info.si_value.sival_int : 1);
    else if (n == SIG_COLD_START) cold_start(command);
    else if (main_pid) kill(main_pid, n);
    else if (n == SIGTERM || n == SIGINT || n == SIGQUIT) _exit(128 + n);
  }
}

static int fail(const char *doing, const char *what) {
  fprintf(stderr, "standby: %s %s: %s\n", doing, what, strerror(errno));
  return 1;
}

static int copy(int from, int to) {
  static char buffer[65536];
  for (ssize_t n; (n = read(from, buffer, sizeof buffer)) != 0;)
    if (n < 0 || write(to, buffer, n) != n) return -1;
  return 0;
}

static int install(const char *dir) {
  char part[4096], whole[4096];
  snprintf(part, sizeof part, "%s/.standby.tmp", dir);
  snprintf(whole, sizeof whole, "%s/standby", dir);
  int from = open("/proc/self/exe", O_RDONLY), to = open(part, O_WRONLY | O_CREAT | O_TRUNC, 0755);
  if (from < 0 || to < 0) return fail("open", part);
  if (copy(from, to) || fchmod(to, 0755) || fsync(to) || close(to)) return fail("write", part);
  return rename(part, whole) ? fail("rename to", whole) : 0;
}

static int probe(void) {
  char name[32] = "";
  int fd = open("/proc/1/comm", O_RDONLY);
  if (fd < 0 || read(fd, name, sizeof name - 1) <= 0) return fail("read", "/proc/1/comm");
  name[strcspn(name, "\n")] = 0;
  return strcmp(name, "standby") == 0; /* still waiting; anything else is a restored or cold-started worker */
}

int main(int argc, char **argv) {
  if (argc == 3 && !strcmp(argv[1], "--install")) return install(argv[2]);
  if (argc == 2 && !strcmp(argv[1], "--probe")) return probe();
  if (argc == 1) return wait_for_orders(0);
  if (argc > 2 && !strcmp(argv[1], "--")) return wait_for_orders(argv + 2);
  fprintf(stderr, "usage: standby [-- CMD ARGS...] | --install DIR | --probe\n");
  return 2;
}
