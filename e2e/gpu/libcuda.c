/*
 * Stands in for the CUDA driver where there is no GPU: what bench/gpu/worker.c calls, and the checkpoint functions. As with the real one, the
 * same library is loaded on both sides. In a worker it keeps what is on the "GPU" in memory of its own, and cuInit starts a thread for
 * checkpoints; in the engine's helper a call is told to that thread by a socket in the worker's root, which is there again after a restore.
 *   checkpoint  maps one private area, copies everything into it, and forgets where it was
 *   restore     maps new memory, reads the area once, from its first byte to its last, as the real driver does, and unmaps it. With
 *               $FAKE_CUDA_LAST_FIRST it begins at the end: who fills the area in meanwhile is then late for certain, not in time by chance
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SUCCESS, INVALID_VALUE, OUT_OF_MEMORY, NOT_INITIALIZED, ILLEGAL_STATE = 401, NOT_FOUND = 500, UNKNOWN = 999 };
enum state { RUNNING, LOCKED, CHECKPOINTED };
enum call { GET_STATE, GET_THREAD, LOCK, CHECKPOINT, RESTORE, UNLOCK };
struct request { enum call call; int lastFirst; };
struct answer { int rc, value; };

/* In the container's root; nothing else is in it, so one process of a container has a GPU. */
#define SOCKET "/tmp/cuda"
/* Memory is given out in these, as the real driver does. */
#define PIECE (2ul << 20)
#define MOST 16
/* Of the area, behind all that is read at a restore: it goes while somebody may still be filling it in. No driver is known for that, or not to do it. */
#define UNREAD (64ul << 20)

static struct { char *at; size_t bytes; } memory[MOST];
static int allocations;
static char *area;
static enum state state = RUNNING;
/* Whoever works on the GPU holds it; the driver's thread from lock to unlock. */
static pthread_mutex_t gpu = PTHREAD_MUTEX_INITIALIZER;

static char *map(size_t bytes) {
  char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? NULL : at;
}

/* The worker's side: the driver's thread. */

static size_t total(void) {
  size_t all = 0;
  for (int i = 0; i < allocations; i++) all += memory[i].bytes;
  return all;
}

/* Where a piece of the area belongs. */
static char *place(size_t offset) {
  int i = 0;
  for (; offset >= memory[i].bytes; i++) offset -= memory[i].bytes;
  return memory[i].at + offset;
}

static int checkpoint(void) {
  if (!(area = map(total() + UNREAD))) return OUT_OF_MEMORY;
  for (size_t offset = 0; offset < total(); offset += PIECE) memcpy(area + offset, place(offset), PIECE);
  memset(area + total(), 1, UNREAD);
  for (int i = 0; i < allocations; i++) munmap(memory[i].at, memory[i].bytes);
  return SUCCESS;
}

static int restore(int lastFirst) {
  for (int i = 0; i < allocations; i++) if (!(memory[i].at = map(memory[i].bytes))) return OUT_OF_MEMORY;
  for (size_t done = 0; done < total(); done += PIECE) {
    size_t offset = lastFirst ? total() - PIECE - done : done;
    memcpy(place(offset), area + offset, PIECE);
  }
  munmap(area, total() + UNREAD);
  return SUCCESS;
}

static int work(struct request asked) {
  switch (asked.call) {
    case LOCK: return pthread_mutex_lock(&gpu);
    case CHECKPOINT: return checkpoint();
    case RESTORE: return restore(asked.lastFirst);
    default: return pthread_mutex_unlock(&gpu);
  }
}

static struct answer answer(struct request asked) {
  static const enum state from[] = { [LOCK] = RUNNING, [CHECKPOINT] = LOCKED, [RESTORE] = CHECKPOINTED, [UNLOCK] = LOCKED };
  static const enum state to[] = { [LOCK] = LOCKED, [CHECKPOINT] = CHECKPOINTED, [RESTORE] = LOCKED, [UNLOCK] = RUNNING };
  if (asked.call == GET_STATE) return (struct answer){ SUCCESS, (int)state };
  if (asked.call == GET_THREAD) return (struct answer){ SUCCESS, gettid() };
  if (state != from[asked.call]) return (struct answer){ ILLEGAL_STATE, 0 };
  int rc = work(asked);
  if (rc == SUCCESS) state = to[asked.call];
  return (struct answer){ rc, 0 };
}

/* A connection is closed before its caller goes on, so that none is open in a dump. */
static void *serve(void *listener) {
  pthread_setname_np(pthread_self(), "cuda-EvtHandlr");
  for (;;) {
    struct request asked;
    int fd = accept4((int)(intptr_t)listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) continue;
    if (recv(fd, &asked, sizeof asked, MSG_WAITALL) == sizeof asked && asked.call <= UNLOCK) {
      struct answer said = answer(asked);
      send(fd, &said, sizeof said, MSG_NOSIGNAL);
    }
    close(fd);
  }
  return NULL;
}

int cuInit(unsigned flags) {
  struct sockaddr_un address = { AF_UNIX, SOCKET };
  pthread_t thread;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (flags || fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 8)) return UNKNOWN;
  return pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) ? UNKNOWN : SUCCESS;
}

/* The worker's side: what it calls. A device pointer is the number of an allocation, from 1, and how far into it. */

static void *at(uint64_t pointer) { return memory[(pointer >> 40) - 1].at + (pointer & ((1ul << 40) - 1)); }

int cuMemAlloc_v2(uint64_t *pointer, size_t bytes) {
  if (allocations == MOST) return OUT_OF_MEMORY;
  bytes = (bytes + PIECE - 1) / PIECE * PIECE;
  if (!(memory[allocations].at = map(bytes))) return OUT_OF_MEMORY;
  memory[allocations++].bytes = bytes;
  *pointer = (uint64_t)allocations << 40;
  return SUCCESS;
}

int cuMemAllocManaged(uint64_t *pointer, size_t bytes, unsigned flags) { return cuMemAlloc_v2(pointer, bytes); }
int cuGetErrorName(int error, const char **name) { *name = "of the driver's stand-in"; return SUCCESS; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return SUCCESS; }
int cuDevicePrimaryCtxRetain(void **context, int device) { *context = &gpu; return SUCCESS; }
int cuCtxSetCurrent(void *context) { return SUCCESS; }
int cuModuleLoadData(void **module, const void *image) { *module = &gpu; return SUCCESS; }
int cuCtxSynchronize(void) { return SUCCESS; }

int cuMemsetD32_v2(uint64_t pointer, unsigned value, size_t words) {
  pthread_mutex_lock(&gpu);
  for (size_t i = 0; i < words; i++) ((uint32_t *)at(pointer))[i] = value;
  pthread_mutex_unlock(&gpu);
  return SUCCESS;
}

int cuMemcpyDtoH_v2(void *to, uint64_t pointer, size_t bytes) {
  pthread_mutex_lock(&gpu);
  memcpy(to, at(pointer), bytes);
  pthread_mutex_unlock(&gpu);
  return SUCCESS;
}

/* A hash of the place, so no page is zero and none is like another. */
static uint32_t word(uint64_t i) {
  uint64_t x = i * 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 29)) * 0xBF58476D1CE4E5B9u;
  return (uint32_t)(x >> 32) | 1;
}

static void fill(void **args) {
  uint32_t *words = at(*(uint64_t *)args[0]);
  for (uint64_t i = 0; i < *(uint64_t *)args[1]; i++) words[i] = word(i);
}

/* Each word counts with its place, so that pages in each other's place show. */
static void sum(void **args) {
  const uint32_t *words = at(*(uint64_t *)args[0]);
  uint64_t n = *(uint64_t *)args[1], total = 0;
  for (uint64_t i = 0; i < n; i++) total += words[i] * (i + 1);
  *(uint64_t *)at(*(uint64_t *)args[2]) += total;
}

int cuModuleGetFunction(void **function, void *module, const char *name) {
  *function = strcmp(name, "fill") == 0 ? (void *)fill : strcmp(name, "sum") == 0 ? (void *)sum : NULL;
  return *function ? SUCCESS : NOT_FOUND;
}

int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                   void *stream, void **args, void **extra) {
  pthread_mutex_lock(&gpu);
  ((void (*)(void **))function)(args);
  pthread_mutex_unlock(&gpu);
  return SUCCESS;
}

/* The helper's side. A process that ends meanwhile gives no answer. */

static int ask(int pid, enum call call, int *value) {
  struct sockaddr_un address = { AF_UNIX, "" };
  struct request asked = { call, getenv("FAKE_CUDA_LAST_FIRST") != NULL };
  struct answer said = { UNKNOWN, 0 };
  char end;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  snprintf(address.sun_path, sizeof address.sun_path, "/proc/%d/root" SOCKET, pid);
  if (connect(fd, (struct sockaddr *)&address, sizeof address)) said.rc = NOT_INITIALIZED;
  else if (send(fd, &asked, sizeof asked, MSG_NOSIGNAL) == sizeof asked && recv(fd, &said, sizeof said, MSG_WAITALL) == sizeof said)
    while (recv(fd, &end, 1, 0) > 0) continue;
  close(fd);
  if (value) *value = said.value;
  return said.rc;
}

int cuCheckpointProcessGetState(int pid, int *at) { return ask(pid, GET_STATE, at); }
int cuCheckpointProcessGetRestoreThreadId(int pid, int *tid) { return ask(pid, GET_THREAD, tid); }
int cuCheckpointProcessLock(int pid, void *args) { return ask(pid, LOCK, NULL); }
int cuCheckpointProcessCheckpoint(int pid, void *args) { return ask(pid, CHECKPOINT, NULL); }
int cuCheckpointProcessRestore(int pid, void *args) { return ask(pid, RESTORE, NULL); }
int cuCheckpointProcessUnlock(int pid, void *args) { return ask(pid, UNLOCK, NULL); }
