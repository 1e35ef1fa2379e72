/*
 * What the driver does in a process: mapper MIB KIND. When it gets SIGUSR1 it maps so much memory, which is
 *   written   private, and written to until half of it is full; then it waits for a line, and goes on to its end
 *   huge      written, with huge pages where the node lets a process ask for them
 *   plain     private                     shared  for several processes       none  without access
 *   few       in parts of 32 MiB          known   there before it is ready    gone  unmapped and mapped again and again
 * It says so by a line, touches nothing else of it, and does not end.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile sig_atomic_t asked;
static void ask(int s) { (void)s; asked = 1; }
static void say(const char *word) { puts(word); fflush(stdout); }

static unsigned long *map(size_t bytes, int prot, int sharing) {
  unsigned long *p = mmap(NULL, bytes, prot, sharing | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) { perror("mmap"); exit(1); }
  return p;
}

static unsigned long word(size_t i) { return i * 0x9e3779b97f4a7c15ul + 1; }

/* Every word is another one; where it was not zero before, somebody has written to it. */
static void fill(unsigned long *p, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) {
    if (p[i] != 0) { say("not zero"); exit(1); }
    p[i] = word(i);
  }
}

static void written(size_t bytes, int advice) {
  size_t words = bytes / sizeof(unsigned long);
  char line[16];
  unsigned long *p = map(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  madvise(p, bytes, advice); /* a kernel without huge pages knows none */
  say("mapped");
  fill(p, 0, words / 2);
  say("half");
  if (fgets(line, sizeof line, stdin) == NULL) exit(1);
  fill(p, words / 2, words);
  for (size_t i = 0; i < words; i++)
    if (p[i] != word(i)) { say("another content"); exit(1); }
  say("exact");
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const char *kind = argv[2];
  const int rw = PROT_READ | PROT_WRITE;
  size_t bytes = (size_t)atol(argv[1]) << 20;
  signal(SIGUSR1, ask);
  if (!strcmp(kind, "known")) map(bytes, rw, MAP_PRIVATE);
  say("ready");
  while (!asked) usleep(1000);
  if (!strcmp(kind, "written")) written(bytes, MADV_NOHUGEPAGE);
  if (!strcmp(kind, "huge")) written(bytes, MADV_HUGEPAGE);
  if (!strcmp(kind, "plain")) map(bytes, rw, MAP_PRIVATE);
  if (!strcmp(kind, "shared")) map(bytes, rw, MAP_SHARED);
  if (!strcmp(kind, "none")) map(bytes, PROT_NONE, MAP_PRIVATE);
  /* What nobody may read between them keeps them apart. */
  if (!strcmp(kind, "few"))
    for (size_t i = 0; i < bytes >> 25; i++) mprotect(map(33ul << 20, rw, MAP_PRIVATE), 1 << 20, PROT_NONE);
  while (!strcmp(kind, "gone")) {
    void *p = map(bytes, rw, MAP_PRIVATE);
    usleep(15000);
    munmap(p, bytes);
    say("gone");
  }
  say("mapped");
  for (;;) pause();
}
