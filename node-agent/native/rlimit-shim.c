/*
 * LD_PRELOAD for CRIU on hosts without CAP_SYS_RESOURCE: there prlimit64(2) may not read the limits of another user's process,
 * and the dump fails. /proc/PID/limits says the same. CRIU calls prlimit64 through syscall(2), so that is what is wrapped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static const char *const names[] = {
    "Max cpu time",      "Max file size",     "Max data size",    "Max stack size",       "Max core file size",    "Max resident set",
    "Max processes",     "Max open files",    "Max locked memory", "Max address space",   "Max file locks",        "Max pending signals",
    "Max msgqueue size", "Max nice priority", "Max realtime priority", "Max realtime timeout"};

/* The second column of /proc/PID/limits begins here (fs/proc/base.c: "%-25s %-20s %-20s"). */
enum { COLUMN = 26 };

static rlim_t limit(const char *text) { return strcmp(text, "unlimited") ? strtoull(text, 0, 10) : RLIM_INFINITY; }

static int read_limit(long pid, long which, struct rlimit *out) {
  char path[64], line[256], soft[32], hard[32];
  snprintf(path, sizeof path, "/proc/%ld/limits", pid);
  FILE *file = fopen(path, "re");
  if (!file) return -1;
  int found = -1;
  while (found && fgets(line, sizeof line, file))
    if (!strncmp(line, names[which], strlen(names[which])) && sscanf(line + COLUMN, "%31s %31s", soft, hard) == 2) {
      out->rlim_cur = limit(soft);
      out->rlim_max = limit(hard);
      found = 0;
    }
  fclose(file);
  return found;
}

static long raw(long n, const long *a) {
  long result;
  register long r10 __asm__("r10") = a[3];
  register long r8 __asm__("r8") = a[4];
  register long r9 __asm__("r9") = a[5];
  __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}

long syscall(long n, ...) {
  long a[6];
  va_list list;
  va_start(list, n);
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  long result = raw(n, a);
  if (n == SYS_prlimit64 && result == -EPERM && !a[2] && a[3] && a[1] >= 0 && a[1] < 16 && !read_limit(a[0], a[1], (struct rlimit *)a[3]))
    return 0;
  if (result < 0 && result > -4096) {
    errno = -result;
    return -1;
  }
  return result;
}
