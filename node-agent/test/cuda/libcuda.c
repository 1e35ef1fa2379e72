/*
 * A libcuda of nothing but the checkpoint functions, for tests. $FAKE_CUDA holds one file a process, <pid>, with the number of its
 * CUprocessState; a process without one has no CUDA state. What a call shall do wrong stands in files of that folder:
 *   fail-<call>    returns the number in it           hang-<call>   never returns, having done nothing
 *   late-<call>    does its work and never returns    crash-<call>  ends the process that called
 *   slow-<call>    waits that many milliseconds       signal-<call> sends the process that signal first
 *   <what>-<call>-<pid> means that process only
 * Every call is one line of $FAKE_CUDA/calls. As the driver does, a call that needs the process's own threads waits while it is stopped.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOT_INITIALIZED = 3, ILLEGAL_STATE = 401, INVALID_VALUE = 1 };
enum { RUNNING, LOCKED, CHECKPOINTED, FAILED };

static const char *dir(void) { const char *d = getenv("FAKE_CUDA"); return d ? d : "/nonexistent"; }

static int number(const char *name, long *value) {
  char path[4096], text[64] = {0};
  snprintf(path, sizeof path, "%s/%s", dir(), name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  if (read(fd, text, sizeof text - 1) < 0) text[0] = 0;
  close(fd);
  *value = strtol(text, NULL, 10);
  return 1;
}

static int told(const char *what, const char *call, int pid, long *value) {
  char name[128];
  snprintf(name, sizeof name, "%s-%s-%d", what, call, pid);
  if (number(name, value)) return 1;
  snprintf(name, sizeof name, "%s-%s", what, call);
  return number(name, value);
}

static void note(const char *line) {
  char path[4096];
  snprintf(path, sizeof path, "%s/calls", dir());
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  if (write(fd, line, strlen(line)) < 0) abort();
  close(fd);
}

static int state_of(int pid, long *state) { char name[32]; snprintf(name, sizeof name, "%d", pid); return number(name, state); }

static void set_state(int pid, int state) {
  char path[4096], part[4096], text[8];
  snprintf(path, sizeof path, "%s/%d", dir(), pid);
  snprintf(part, sizeof part, "%s/.%d.%d", dir(), pid, getpid());
  snprintf(text, sizeof text, "%d", state);
  int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) abort();
  close(fd);
  if (rename(part, path)) abort();
}

static int before(const char *call, int pid, const char *detail, int *rc) {
  char line[512];
  long value;
  snprintf(line, sizeof line, "%s %d%s\n", call, pid, detail);
  note(line);
  if (told("signal", call, pid, &value)) kill(pid, (int)value);
  if (told("slow", call, pid, &value)) usleep((useconds_t)value * 1000);
  if (told("crash", call, pid, &value)) _exit(139);
  while (told("hang", call, pid, &value)) usleep(5000);
  if (told("fail", call, pid, &value)) { *rc = (int)value; return 0; }
  return 1;
}

static int stopped(int pid) {
  char path[64], text[512] = {0};
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  if (read(fd, text, sizeof text - 1) < 0) text[0] = 0;
  close(fd);
  const char *name = strrchr(text, ')');
  return name && name[1] == ' ' && name[2] == 'T';
}

static int change(const char *call, int pid, int from, int to, const char *detail) {
  int rc = 0;
  long state, value;
  if (!before(call, pid, detail, &rc)) return rc;
  while (stopped(pid)) usleep(5000);
  if (!state_of(pid, &state)) return NOT_INITIALIZED;
  if (state != from) return ILLEGAL_STATE;
  set_state(pid, to);
  while (told("late", call, pid, &value)) usleep(5000);
  return 0;
}

/* All arguments are 64 bytes; what is reserved must be zero. */
static int zeros(const unsigned char *args, int from) {
  for (int i = from; i < 64; i++) if (args[i]) return 0;
  return 1;
}

int cuCheckpointProcessGetState(int pid, int *state) {
  int rc = 0;
  long value;
  if (!before("state", pid, "", &rc)) return rc;
  if (!state_of(pid, &value)) return NOT_INITIALIZED;
  *state = (int)value;
  return 0;
}

int cuCheckpointProcessGetRestoreThreadId(int pid, int *tid) {
  int rc = 0;
  long value;
  if (!before("restoreThread", pid, "", &rc)) return rc;
  if (!state_of(pid, &value)) return NOT_INITIALIZED;
  *tid = pid + 1;
  return 0;
}

int cuCheckpointProcessLock(int pid, const unsigned char *args) {
  char detail[64];
  uint32_t timeout;
  memcpy(&timeout, args, 4);
  snprintf(detail, sizeof detail, " timeout=%u", timeout);
  return zeros(args, 4) ? change("lock", pid, RUNNING, LOCKED, detail) : INVALID_VALUE;
}

int cuCheckpointProcessCheckpoint(int pid, const unsigned char *args) {
  return zeros(args, 0) ? change("checkpoint", pid, LOCKED, CHECKPOINTED, "") : INVALID_VALUE;
}

int cuCheckpointProcessRestore(int pid, const unsigned char *args) {
  char detail[400] = "";
  const unsigned char *pairs;
  uint32_t count;
  memcpy(&pairs, args, 8);
  memcpy(&count, args + 8, 4);
  if (!zeros(args, 12) || (count == 0) != (pairs == NULL)) return INVALID_VALUE;
  for (uint32_t i = 0; i < count && i < 4; i++) {
    char *to = detail + strlen(detail);
    to += sprintf(to, " ");
    for (int k = 0; k < 16; k++) to += sprintf(to, "%02x", pairs[i * 32 + k]);
    to += sprintf(to, "=");
    for (int k = 16; k < 32; k++) to += sprintf(to, "%02x", pairs[i * 32 + k]);
  }
  return change("restore", pid, CHECKPOINTED, LOCKED, detail);
}

int cuCheckpointProcessUnlock(int pid, const unsigned char *args) {
  return zeros(args, 0) ? change("unlock", pid, LOCKED, RUNNING, "") : INVALID_VALUE;
}
