/*
 * PID 1 holds a lock as long as it waits, so that whoever waits for it is woken at the moment when it no longer does: the name is
 * changed first, then the lock is let go of. It lies on /proc/1/comm, which every container has for itself, on every file system, and
 * which is there to be read by whoever may probe. The lock makes an answer quick; what PID 1 is, its name alone says.
 */
#include <sys/file.h>
#include <sys/time.h>

/* How often one looks where PID 1 holds no lock. */
enum { LOOK_AGAIN_MS = 50, COMM_SIZE = 32 };

static int waiting_lock = -1;

/* Never waits: a probe may have it for a moment. Tried again at the next occasion. */
static void hold_waiting(void) {
  if (waiting_lock >= 0) return;
  int fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
  if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB)) waiting_lock = fd;
  else if (fd >= 0) close(fd);
}

static void end_waiting(void) {
  if (waiting_lock >= 0) close(waiting_lock);
  waiting_lock = -1;
}

static int is_waiting(const char *name) {
  return !strcmp(name, "standby") || (!strncmp(name, "standby:", 8) && strcmp(name, "standby:live"));
}

static volatile sig_atomic_t time_over;

static void note_time(int signal) {
  (void)signal;
  time_over = 1;
}

/* The signal comes again and again, for the first one may come just before a call that it shall end. */
static void begin_time(long seconds) {
  const struct sigaction action = {.sa_handler = note_time}; /* without SA_RESTART */
  const struct itimerval timer = {{0, LOOK_AGAIN_MS * 1000L}, {seconds, 0}};
  time_over = seconds <= 0;
  if (time_over) return;
  sigaction(SIGALRM, &action, 0);
  setitimer(ITIMER_REAL, &timer, 0);
}

/* Whether nobody holds the lock: it was free, or cannot be had at all. Returns early when the time is over. */
static int await_lock(int fd) {
  if (flock(fd, LOCK_SH)) return errno != EINTR;
  flock(fd, LOCK_UN);
  return 1;
}

/* The name of PID 1 as soon as it does not wait, or after so many seconds, and whether it has waited; 0 where it cannot be read. */
static int name_when_over(long seconds, char name[COMM_SIZE], int *has_waited) {
  const struct timespec moment = {0, LOOK_AGAIN_MS * 1000000L};
  int fd = open("/proc/1/comm", O_RDONLY | O_CLOEXEC), is_free = 0;
  *has_waited = 0;
  if (fd < 0) return 0;
  begin_time(seconds);
  for (;;) {
    ssize_t n = pread(fd, name, COMM_SIZE - 1, 0);
    if (n <= 0) break;
    name[n] = 0;
    name[strcspn(name, "\n")] = 0;
    if (time_over || !is_waiting(name)) break;
    *has_waited = 1;
    if (is_free) nanosleep(&moment, 0); /* a cold start that has let go, and is not renamed yet; or no lock at all */
    is_free = await_lock(fd);
  }
  close(fd);
  return name[0] != 0;
}
