/*
 * An NVML of nothing but what we ask, for tests. $FAKE_NVML holds `driver` (its version), `devices` (a line each: UUID, model, minor
 * number, bytes, free bytes, MIG mode or -1 where it has none; split by '|') and `processes` (a line each: index of the device, pid,
 * bytes or -1 where it does not tell, 1 for a client of MPS).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, UNKNOWN = 999 };

struct device { char uuid[96], model[96]; unsigned minor; unsigned long long total, free; int mig; };
static struct device devices[16];
static unsigned found;

static FILE *file(const char *name) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", getenv("FAKE_NVML") ? getenv("FAKE_NVML") : "/nonexistent", name);
  return fopen(path, "r");
}

int nvmlInit_v2(void) {
  FILE *f = file("devices");
  if (!f) return NOT_FOUND;
  char line[512];
  for (found = 0; fgets(line, sizeof line, f) && found < 16; ) {
    struct device *d = &devices[found];
    if (sscanf(line, "%95[^|]|%95[^|]|%u|%llu|%llu|%d", d->uuid, d->model, &d->minor, &d->total, &d->free, &d->mig) == 6) found++;
  }
  fclose(f);
  return 0;
}

int nvmlSystemGetDriverVersion(char *text, unsigned length) {
  FILE *f = file("driver");
  if (!f || !fgets(text, (int)length, f)) return UNKNOWN;
  text[strcspn(text, "\n")] = 0;
  fclose(f);
  return 0;
}

int nvmlDeviceGetCount_v2(unsigned *count) { *count = found; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) { *device = &devices[index]; return index < found ? 0 : NOT_FOUND; }
int nvmlDeviceGetUUID(struct device *d, char *text, unsigned length) { snprintf(text, length, "%s", d->uuid); return 0; }
int nvmlDeviceGetName(struct device *d, char *text, unsigned length) { snprintf(text, length, "%s", d->model); return 0; }
int nvmlDeviceGetMinorNumber(struct device *d, unsigned *minor) { *minor = d->minor; return 0; }

/* nvmlMemory_t: total, free, used */
int nvmlDeviceGetMemoryInfo(struct device *d, unsigned long long *memory) {
  memory[0] = d->total; memory[1] = d->free; memory[2] = d->total - d->free;
  return 0;
}

int nvmlDeviceGetMigMode(struct device *d, unsigned *current, unsigned *pending) {
  if (d->mig < 0) return NOT_SUPPORTED;
  *current = *pending = (unsigned)d->mig;
  return 0;
}

static int list(struct device *d, unsigned *count, unsigned char *infos, int wantMps) {
  unsigned room = *count, index, pid;
  long long used;
  int mps;
  FILE *f = file("processes");
  *count = 0;
  if (!f) return 0;
  while (fscanf(f, "%u %u %lld %d", &index, &pid, &used, &mps) == 4) {
    if (d != &devices[index] || mps != wantMps) continue;
    if (*count == room) { fclose(f); return INSUFFICIENT_SIZE; }
    unsigned char *info = infos + 24 * (*count)++;
    memset(info, 0, 24);
    memcpy(info, &pid, 4);
    memcpy(info + 8, &used, 8);
  }
  fclose(f);
  return 0;
}

int nvmlDeviceGetComputeRunningProcesses_v3(struct device *d, unsigned *count, unsigned char *infos) { return list(d, count, infos, 0); }
int nvmlDeviceGetMPSComputeRunningProcesses_v3(struct device *d, unsigned *count, unsigned char *infos) { return list(d, count, infos, 1); }
