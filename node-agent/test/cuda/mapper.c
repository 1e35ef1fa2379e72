/* Maps so many MiB when it gets SIGUSR1, says so, and counts on in the first word of it: mapper MIB. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile sig_atomic_t asked;
static void ask(int s) { (void)s; asked = 1; }

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  signal(SIGUSR1, ask);
  puts("ready");
  fflush(stdout);
  while (!asked) usleep(1000);
  volatile unsigned long *p = mmap(NULL, (size_t)atol(argv[1]) << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) { perror("mmap"); return 1; }
  puts("mapped");
  fflush(stdout);
  for (;; usleep(1000)) ++*p;
}
