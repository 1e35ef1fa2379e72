/* What the benchmark captures: two processes with memory of their own and a segment that they share, filled so that no page is like
 * another. On SIGUSR1 each writes the checksum of all that it sees: tree MIB OUT.  Goes on counting meanwhile, so that it is alive. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t *own, *shared;
static size_t own_words, shared_words;
static volatile sig_atomic_t asked;

static void ask(int s) { (void)s; asked = 1; }

static uint64_t *map(size_t bytes, int kind) {
  void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) { perror("mmap"); exit(1); }
  return p;
}

static void fill(uint64_t *p, size_t words, uint64_t x) {
  for (size_t i = 0; i < words; i++) { x ^= x << 13; x ^= x >> 7; x ^= x << 17; p[i] = x; }
}

static uint64_t sum(const uint64_t *p, size_t words) {
  uint64_t s = 1469598103934665603ull;
  for (size_t i = 0; i < words; i++) s = (s ^ p[i]) * 1099511628211ull;
  return s;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  size_t mib = strtoul(argv[1], NULL, 10);
  /* 7 of 16 parts each, 2 of 16 shared. */
  own_words = (mib << 20) / 16 * 7 / 8;
  shared_words = (mib << 20) / 16 * 2 / 8;
  signal(SIGUSR1, ask);
  shared = map(shared_words * 8, MAP_SHARED);
  fill(shared, shared_words, 7);
  int child = fork() == 0;
  own = map(own_words * 8, MAP_PRIVATE);
  fill(own, own_words, child ? 11 : 13);
  char path[512];
  snprintf(path, sizeof path, "%s/%s", argv[2], child ? "child" : "root");
  for (unsigned long n = 0;; n++) {
    char part[600];
    snprintf(part, sizeof part, "%s.part", path);
    FILE *f = fopen(part, "w");
    if (!f) { perror(part); exit(1); }
    if (asked || n == 0) {
      asked = 0;
      fprintf(f, "%016lx %016lx %lu\n", (unsigned long)sum(own, own_words), (unsigned long)sum(shared, shared_words), n);
      fclose(f);
      if (rename(part, path)) { perror(path); exit(1); }
    } else fclose(f);
    usleep(20000);
  }
}
