/*
 * What the machine itself can do, as one JSON line: copies in memory, fills of another process, the disk, and pinned copies to and from
 * the GPU. `limits touch GB` only touches memory once: some virtual machines get theirs at the first touch, which takes seconds.
 *   limits THREADS DISK_FOLDER
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const size_t CHUNK = 8 << 20;
#ifndef GIGABYTES
#define GIGABYTES 4
#endif
static int threads;

static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (double)t.tv_sec + (double)t.tv_nsec / 1e9; }

struct work { size_t bytes; char *from, *to; pid_t pid; void (*chunk)(struct work *, size_t); _Atomic size_t next, bad; };

static void *loop(void *arg) {
  struct work *w = arg;
  for (size_t at; (at = w->next++ * CHUNK) < w->bytes;) w->chunk(w, at);
  return NULL;
}

/* GB/s of all threads together; 0 where a chunk failed. */
static double run(struct work *w) {
  pthread_t t[256];
  double from = now();
  for (int i = 0; i < threads; i++) pthread_create(&t[i], NULL, loop, w);
  for (int i = 0; i < threads; i++) pthread_join(t[i], NULL);
  return w->bad ? 0 : (double)w->bytes / 1e9 / (now() - from);
}

static void set_chunk(struct work *w, size_t at) { memset(w->to + at, (int)(at / CHUNK) | 1, CHUNK); }
static void copy_chunk(struct work *w, size_t at) { memcpy(w->to + at, w->from + at, CHUNK); }
static void fill_chunk(struct work *w, size_t at) {
  struct iovec local = { w->from + at, CHUNK }, remote = { w->to + at, CHUNK };
  if (process_vm_writev(w->pid, &local, 1, &remote, 1, 0) != (ssize_t)CHUNK) w->bad++;
}

static char *map(size_t bytes, int huge) {
  char *p = mmap(NULL, bytes + (2 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) { perror("mmap"); exit(1); }
  p = (char *)(((uintptr_t)p + (2 << 20) - 1) & ~(uintptr_t)((2 << 20) - 1));
  madvise(p, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  return p;
}

static double fill(char *from, size_t bytes, int huge) {
  char *to = map(bytes, huge);
  pid_t pid = fork();
  if (pid == 0) for (;;) pause();
  struct work w = { .bytes = bytes, .from = from, .to = to, .pid = pid, .chunk = fill_chunk };
  double speed = run(&w);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  munmap(to, bytes);
  return speed;
}

static double disk(const char *folder, char *memory, size_t bytes, int write) {
  char path[4096];
  snprintf(path, sizeof path, "%s/limits.tmp", folder);
  int fd = open(path, (write ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY) | O_DIRECT, 0600);
  if (fd < 0) return 0;
  double from = now();
  for (size_t at = 0; at < bytes; at += CHUNK)
    if ((write ? pwrite(fd, memory + at, CHUNK, (off_t)at) : pread(fd, memory + at, CHUNK, (off_t)at)) != (ssize_t)CHUNK) { close(fd); return 0; }
  double speed = (double)bytes / 1e9 / (now() - from);
  close(fd);
  if (!write) unlink(path);
  return speed;
}

static void pinned(size_t bytes, double *toDevice, double *toHost) {
  void *lib = dlopen("libcuda.so.1", RTLD_NOW), *context, *host;
  uint64_t device;
  int d;
  *toDevice = *toHost = 0;
  if (!lib) return;
  int (*init)(unsigned) = dlsym(lib, "cuInit"), (*get)(int *, int) = dlsym(lib, "cuDeviceGet");
  int (*retain)(void **, int) = dlsym(lib, "cuDevicePrimaryCtxRetain"), (*current)(void *) = dlsym(lib, "cuCtxSetCurrent");
  int (*alloc)(uint64_t *, size_t) = dlsym(lib, "cuMemAlloc_v2"), (*pin)(void **, size_t, unsigned) = dlsym(lib, "cuMemHostAlloc");
  int (*in)(uint64_t, const void *, size_t) = dlsym(lib, "cuMemcpyHtoD_v2"), (*out)(void *, uint64_t, size_t) = dlsym(lib, "cuMemcpyDtoH_v2");
  if (!init || init(0) || get(&d, 0) || retain(&context, d) || current(context) || alloc(&device, bytes) || pin(&host, bytes, 0)) return;
  memset(host, 1, bytes);
  if (in(device, host, bytes)) return;
  double from = now();
  if (in(device, host, bytes) == 0) *toDevice = (double)bytes / 1e9 / (now() - from);
  from = now();
  if (out(host, device, bytes) == 0) *toHost = (double)bytes / 1e9 / (now() - from);
}

int main(int argc, char **argv) {
  if (argc != 3) { fputs("usage: limits touch GB | limits THREADS DISK_FOLDER\n", stderr); return 2; }
  if (strcmp(argv[1], "touch") == 0) {
    threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    size_t bytes = (size_t)atoi(argv[2]) << 30;
    struct work w = { .bytes = bytes, .to = map(bytes, 1), .chunk = set_chunk };
    printf("{\"touchedGBs\":%.1f}\n", run(&w));
    return 0;
  }
  threads = atoi(argv[1]);
  size_t bytes = (size_t)GIGABYTES << 30;
  char *from = map(bytes, 1), *to = map(bytes, 1);
  struct work first = { .bytes = bytes, .to = from, .chunk = set_chunk }, warm = { .bytes = bytes, .to = to, .chunk = set_chunk };
  run(&first);
  run(&warm);
  struct work copy = { .bytes = bytes, .from = from, .to = to, .chunk = copy_chunk };
  double memory = run(&copy), small = fill(from, bytes, 0), huge = fill(from, bytes, 1);
  double written = disk(argv[2], from, bytes, 1), read = disk(argv[2], to, bytes, 0), in, out;
  pinned((size_t)2 << 30, &in, &out);
  printf("{\"threads\":%d,\"memcpyGBs\":%.1f,\"fillGBs\":%.1f,\"fillHugePagesGBs\":%.1f,\"diskWriteGBs\":%.2f,\"diskReadGBs\":%.2f,"
         "\"pinnedToDeviceGBs\":%.1f,\"pinnedToHostGBs\":%.1f}\n", threads, memory, small, huge, written, read, in, out);
  return 0;
}
