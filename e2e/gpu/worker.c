/*
 * bench/gpu/worker.c for a machine without a GPU: the same command line, the same words from round to round, in the process's own memory.
 *   worker GIGABYTES FILE
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../../bench/gpu/round.h"

/* A hash of the place, so no page is zero and none is like another. */
static uint32_t word(uint64_t i) {
  uint64_t x = i * 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 29)) * 0xBF58476D1CE4E5B9u;
  return (uint32_t)(x >> 32) | 1;
}

int main(int argc, char **argv) {
  if (argc != 3) { fputs("usage: worker GIGABYTES FILE\n", stderr); return 2; }
  uint64_t words = (uint64_t)(atof(argv[1]) * (1 << 30)) / sizeof(uint32_t);
  uint32_t *memory = mmap(NULL, words * sizeof *memory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) { perror("mmap"); return 1; }
  for (uint64_t i = 0; i < words; i++) memory[i] = word(i);
  for (unsigned long round = 1;; round++) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < words; i++) sum += memory[i];
    report(argv[2], round, sum);
    usleep(50000);
  }
}
