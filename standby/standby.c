/*
 * standby: PID 1 of a pod that waits to be restored.
 *
 *   standby [--unclaimed SECONDS --otherwise cold|fail] [-- CMD ARGS...]
 *       waits; an agent claims it, names the restored root, or asks for a cold start (CMD) or for an end. Nobody within SECONDS:
 *       it starts cold, or fails, by itself. Without --unclaimed it waits for ever.
 *   standby --install DIR      copies itself to DIR/standby (run by an init container, so that any image will do)
 *   standby --probe [--wait SECONDS [--settle MILLISECONDS]] [--timeout SECONDS] [--hold SECONDS]
 *           [--http PORT PATH | --tcp PORT] [--header LINE]... [-- CMD ARGS...]
 *       a startup probe that needs nothing of the image, see probe.h
 *
 * The agent speaks by sigqueue(3): 40 = value is the pid of the restored root in our pid namespace, 41 = end with that exit code,
 * 42 = run CMD in our place, 43 = claimed: wait value seconds for the next order. Every other signal goes on to the restored root,
 * and its end is ours: same exit status.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "state.h"
#include "waiting.h"
#include "probe.h"

enum { SIG_ADOPT = 40, SIG_FAIL = 41, SIG_COLD_START = 42, SIG_CLAIM = 43, REMEMBERED = 64 };
enum { FAILED_EXIT = 41, LAST_CALL_MS = 100 };

struct orders {
  long unclaimed; /* seconds; 0 = for ever */
  int otherwise_fail;
  char **command;
};

/* Children that ended before the agent said which one matters. */
static struct { pid_t pid; int status; } ended[REMEMBERED];
static unsigned ended_count;
/* CLOCK_BOOTTIME milliseconds; 0 = never. */
static long long deadline;

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

/* What a restore has left half done goes, whoever began it. Only as PID 1 of a namespace is "everybody" our own container. */
static void kill_others(void) {
  if (getpid() != 1) return;
  kill(-1, SIGKILL);
  while (waitpid(-1, 0, 0) > 0 || errno == EINTR);
}

static void cold_start(char **command) {
  if (!command) {
    dprintf(2, "standby: there is no command to start cold\n");
    _exit(127);
  }
  kill_others();
  remember_cold_start();
  sigset_t none;
  sigemptyset(&none);
  for (int n = 1; n < NSIG; n++) signal(n, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, 0);
  execvp(command[0], command);
  dprintf(2, "standby: cannot run %s: %s\n", command[0], strerror(errno));
  _exit(127);
}

/* The mark outlives the container: restarted, it does not try again, for nothing would have changed. */
static void fail_for_good(int code) {
  kill_others();
  remember_failure();
  _exit(code > 0 ? code : FAILED_EXIT);
}

/* An agent that has just seen us wait may have sent its claim already: it must not hit the command that takes our place. */
static int last_call(const sigset_t *all, siginfo_t *info) {
  prctl(PR_SET_NAME, "standby:late");
  const struct timespec moment = {0, LAST_CALL_MS * 1000000L};
  return sigtimedwait(all, info, &moment);
}

static void wait_until(long seconds) { deadline = seconds > 0 ? boot_ms() + seconds * 1000LL : 0; }

static int next_signal(const sigset_t *all, siginfo_t *info) {
  if (deadline == 0) return sigwaitinfo(all, info);
  long long left = deadline - boot_ms();
  if (left < 0) left = 0;
  const struct timespec timeout = {left / 1000, left % 1000 * 1000000L};
  return sigtimedwait(all, info, &timeout);
}

static int wait_for_orders(const struct orders *orders) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, 0);
  int failed = orders->otherwise_fail && has_failed();
  prctl(PR_SET_NAME, failed ? "standby:failed" : "standby");
  hold_waiting();
  dprintf(2, failed ? "standby: the restore has failed and is not tried again\n" : "standby: waiting for restore\n");
  if (!failed) wait_until(orders->unclaimed);
  pid_t main_pid = 0;
  for (;;) {
    siginfo_t info;
    int n = next_signal(&all, &info);
    if (n < 0 && errno == EAGAIN) {
      n = last_call(&all, &info);
      if (n < 0) {
        dprintf(2, "standby: nobody has restored this container in time\n");
        if (orders->otherwise_fail) fail_for_good(FAILED_EXIT);
        cold_start(orders->command);
      }
    }
    if (n < 0) continue;
    int value = info.si_value.sival_int;
    if (n == SIGCHLD) reap(main_pid);
    else if (main_pid == 0 && !failed && n == SIG_CLAIM) {
      if (orders->unclaimed > 0) wait_until(value);
      prctl(PR_SET_NAME, "standby:claimed");
      hold_waiting();
    } else if (main_pid == 0 && n == SIG_ADOPT) {
      if (value <= 1) continue;
      main_pid = value;
      deadline = 0;
      prctl(PR_SET_NAME, "standby:live");
      end_waiting();
      leave_if_ended(main_pid);
    } else if (main_pid == 0 && n == SIG_FAIL) fail_for_good(value);
    else if (main_pid == 0 && n == SIG_COLD_START) cold_start(orders->command);
    else if (main_pid && (n < SIG_ADOPT || n > SIG_CLAIM)) kill(main_pid, n);
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

static int usage(void) {
  fprintf(stderr, "usage: standby [--unclaimed SECONDS --otherwise cold|fail] [-- CMD ARGS...]\n"
                  "       standby --install DIR\n"
                  "       standby --probe [--wait SECONDS [--settle MILLISECONDS]] [--timeout SECONDS] [--hold SECONDS]\n"
                  "               [--http PORT PATH | --tcp PORT] [--header LINE]... [-- CMD ARGS...]\n");
  return 2;
}

/* 0 where the command line is not one of ours. */
static int read_orders(char **args, struct orders *orders) {
  for (; *args && strcmp(*args, "--"); args += 2) {
    if (!args[1]) return 0;
    if (!strcmp(*args, "--unclaimed")) orders->unclaimed = atol(args[1]);
    else if (!strcmp(*args, "--otherwise")) orders->otherwise_fail = !strcmp(args[1], "fail");
    else return 0;
  }
  if (!*args) return 1;
  orders->command = args + 1;
  return args[1] != 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && !strcmp(argv[1], "--install")) return install(argv[2]);
  if (argc >= 2 && !strcmp(argv[1], "--probe")) {
    int answer = probe(argv + 2);
    return answer < 0 ? usage() : answer;
  }
  struct orders orders = {0, 0, 0};
  return read_orders(argv + 1, &orders) ? wait_for_orders(&orders) : usage();
}
