/* What a worker writes after a round of work: a growing number, and a sum that must stay the same. A reader never sees half of it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void report(const char *file, unsigned long round, uint64_t sum) {
  char part[4096];
  snprintf(part, sizeof part, "%s.part", file);
  FILE *f = fopen(part, "w");
  if (!f) { perror(part); exit(4); }
  fprintf(f, "%lu %llu\n", round, (unsigned long long)sum);
  if (fclose(f) || rename(part, file)) { perror(file); exit(4); }
}
