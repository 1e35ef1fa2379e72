/* Holds so many chunks of 4 MiB, aligned to their size and full of 1, 2, 3, …; says where, and keeps still. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv) {
  const size_t chunk = 4 << 20;
  size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
  char *area = mmap(NULL, (count + 1) * chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) { perror("mmap"); return 1; }
  char *first = (char *)(((uintptr_t)area + chunk - 1) / chunk * chunk);
  for (size_t i = 0; i < count; i++) memset(first + i * chunk, (int)i + 1, chunk);
  printf("%lu\n", (unsigned long)first);
  fflush(stdout);
  for (;;) pause();
}
