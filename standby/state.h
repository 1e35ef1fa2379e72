/* What standby keeps beside itself, in the emptyDir it was copied to: that outlives the container, hence the keys. */

static long long boot_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* A file beside our own program; 0 where that cannot be found out. */
static int beside(const char *name, char *path, size_t size) {
  char self[4096];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0) return 0;
  self[n] = 0;
  char *slash = strrchr(self, '/');
  if (!slash) return 0;
  *slash = 0;
  return snprintf(path, size, "%s/%s", self, name) < (int)size;
}

/* Field 22 of /proc/1/stat: when this container's first process started, in clock ticks since boot. An exec keeps it. */
static unsigned long long container_key(void) {
  char text[1024] = "";
  int fd = open("/proc/1/stat", O_RDONLY);
  if (fd < 0) return 0;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  char *at = n > 0 ? strrchr(text, ')') : 0;
  for (int field = 2; at && field < 22; field++) at = strchr(at + 1, ' ');
  return at ? strtoull(at, 0, 10) : 0;
}

static void remember(const char *name, const char *text) {
  char path[4096], part[4096];
  if (!beside(name, path, sizeof path) || snprintf(part, sizeof part, "%s.tmp", path) >= (int)sizeof part) return;
  int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return;
  ssize_t n = write(fd, text, strlen(text));
  close(fd);
  if (n == (ssize_t)strlen(text)) rename(part, path);
}

static void remember_cold_start(void) {
  char text[64];
  snprintf(text, sizeof text, "%llu %lld\n", container_key(), boot_ms());
  remember("cold", text);
}

/* Milliseconds since this container started cold; -1 where it did not. */
static long long cold_for_ms(void) {
  char path[4096], text[64] = "";
  if (!beside("cold", path, sizeof path)) return -1;
  int fd = open(path, O_RDONLY);
  if (fd < 0) return -1;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  unsigned long long key;
  long long at;
  if (n <= 0 || sscanf(text, "%llu %lld", &key, &at) != 2 || key != container_key()) return -1;
  return boot_ms() - at;
}

static void remember_failure(void) { remember("failed", "the restore has failed\n"); }

static int has_failed(void) {
  char path[4096];
  return beside("failed", path, sizeof path) && access(path, F_OK) == 0;
}
