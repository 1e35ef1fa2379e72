/* A tree with every kind of memory that a copy can get wrong: pages that a fork shares and pages written since, pages of zeros, also
 * where the parent has others, read-only memory, a segment mapped by one process read-only, a memfd that nobody maps, threads. Same protocol as tree.c. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB (1ul << 20)
static uint64_t hash = 1469598103934665603ull;
static volatile sig_atomic_t asked;
static void ask(int s) { (void)s; asked = 1; }

static void *map(size_t bytes, int kind, int fd) {
  void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, kind, fd, 0);
  if (p == MAP_FAILED) { perror("mmap"); exit(1); }
  return p;
}
static void fill(uint64_t *p, size_t bytes, uint64_t x) {
  for (size_t i = 0; i < bytes / 8; i++) { x ^= x << 13; x ^= x >> 7; x ^= x << 17; p[i] = x; }
}
static void add(const uint64_t *p, size_t bytes) {
  for (size_t i = 0; i < bytes / 8; i++) hash = (hash ^ p[i]) * 1099511628211ull;
}
static void *idle(void *a) { for (;;) pause(); return a; }

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  size_t size = strtoul(argv[1], NULL, 10) * MIB;
  signal(SIGUSR1, ask);
  uint64_t *inherited = map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  uint64_t *shared = map(size, MAP_SHARED | MAP_ANONYMOUS, -1);
  uint64_t *zeros = map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  uint64_t *cleared = map(4 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  uint64_t *constant = map(4 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  int mapped = memfd_create("mapped", 0), unmapped = memfd_create("unmapped", 0);
  if (ftruncate(mapped, 8 * MIB)) return 1;
  uint64_t *segment = map(8 * MIB, MAP_SHARED, mapped);
  fill(inherited, size, 3);
  fill(shared, size / 2, 5);
  fill(cleared, 4 * MIB, 17);
  fill(constant, 4 * MIB, 7);
  fill(segment, 8 * MIB, 9);
  if (write(unmapped, inherited, MIB) != (ssize_t)MIB) return 1;
  /* Every other page is all zero, though it was written. */
  for (size_t i = 0; i < size / 8; i += 512) zeros[i] = i % 1024 ? 1 : 0;
  mprotect(constant, 4 * MIB, PROT_READ);
  int child = fork() == 0;
  if (child) mprotect(segment, 8 * MIB, PROT_READ);
  fill(inherited + size / 16, size / 4, child ? 11 : 13);
  if (child) memset(cleared + MIB / 8, 0, 2 * MIB);
  for (int i = 0; i < 3; i++) { pthread_t t; pthread_create(&t, NULL, idle, NULL); }
  char path[512], part[600];
  snprintf(path, sizeof path, "%s/%s", argv[2], child ? "child" : "root");
  snprintf(part, sizeof part, "%s.part", path);
  static uint64_t content[MIB / 8];
  for (unsigned long n = 0;; n++, usleep(20000)) {
    if (!asked && n > 0) continue;
    asked = 0;
    hash = 1469598103934665603ull;
    add(inherited, size);
    add(zeros, size);
    add(cleared, 4 * MIB);
    add(constant, 4 * MIB);
    if (pread(unmapped, content, MIB, 0) != (ssize_t)MIB) return 1;
    add(content, MIB);
    uint64_t own = hash;
    add(shared, size);
    add(segment, 8 * MIB);
    FILE *f = fopen(part, "w");
    if (!f) return 1;
    fprintf(f, "%016lx %016lx %lu\n", (unsigned long)own, (unsigned long)hash, n);
    fclose(f);
    if (rename(part, path)) return 1;
  }
}
