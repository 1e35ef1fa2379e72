/*
 * The startup probe of a pod that is restored. PID 1 waits: fail. It lives as the parent of a restored worker: pass, for that worker
 * has started long ago. It has become the command (cold start): what the pod's own startup probe would say, as the kubelet asks it
 * (at the pod's address, 200..399, within --timeout), or --hold seconds after the cold start. With neither: pass.
 *
 * With --wait it does not fail before so many seconds, and answers at the very moment when PID 1 no longer waits: to a kubelet that asks
 * once a second it would answer a second late, and be a process that is started each second. With --settle it then passes so many
 * milliseconds later; where it had nothing to wait for, at once.
 */
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <sys/socket.h>

enum { PROBE_SECONDS = 30, MOST_HEADERS = 16 };

struct probe_job {
  long wait, settle_ms, timeout, hold;
  int port, http;
  const char *path, *headers[MOST_HEADERS];
  int header_count;
  char **command;
};

static int read_probe(char **args, struct probe_job *job) {
  for (; *args && strcmp(*args, "--"); args += 2) {
    if (!args[1]) return 0;
    if (!strcmp(*args, "--wait")) job->wait = atol(args[1]);
    else if (!strcmp(*args, "--settle")) job->settle_ms = atol(args[1]);
    else if (!strcmp(*args, "--timeout")) job->timeout = atol(args[1]);
    else if (!strcmp(*args, "--hold")) job->hold = atol(args[1]);
    else if (!strcmp(*args, "--tcp")) job->port = atoi(args[1]);
    else if (!strcmp(*args, "--header") && job->header_count < MOST_HEADERS) job->headers[job->header_count++] = args[1];
    else if (!strcmp(*args, "--http") && args[2]) {
      job->port = atoi(args[1]);
      job->http = 1;
      job->path = args[2];
      args++;
    } else return 0;
  }
  if (!*args) return 1;
  job->command = args + 1;
  return args[1] != 0;
}

/* Connected to the pod's own address, which is not the loopback; -1 where nobody listens. */
static int connect_pod(int port, char *host, size_t size) {
  struct ifaddrs *all;
  int fd = -1;
  if (getifaddrs(&all)) return -1;
  for (struct ifaddrs *i = all; i && fd < 0; i = i->ifa_next) {
    if (!i->ifa_addr || (i->ifa_flags & IFF_LOOPBACK)) continue;
    int family = i->ifa_addr->sa_family;
    struct sockaddr_in6 v6;
    if (family != AF_INET && family != AF_INET6) continue;
    memcpy(&v6, i->ifa_addr, family == AF_INET ? sizeof(struct sockaddr_in) : sizeof v6);
    if (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr)) continue;
    v6.sin6_port = htons(port); /* sin_port lies at the same place */
    const void *address = family == AF_INET ? (void *)&((struct sockaddr_in *)&v6)->sin_addr : (void *)&v6.sin6_addr;
    inet_ntop(family, address, host, size);
    fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&v6, family == AF_INET ? sizeof(struct sockaddr_in) : sizeof v6)) {
      close(fd);
      fd = -1;
    }
  }
  freeifaddrs(all);
  return fd;
}

static int say(int fd, const char *text) {
  for (size_t left = strlen(text); left > 0;) {
    ssize_t n = send(fd, text, left, MSG_NOSIGNAL);
    if (n <= 0) return 0;
    text += n;
    left -= n;
  }
  return 1;
}

static int http_ok(int fd, const char *host, const struct probe_job *job) {
  char text[4096];
  int named = 0;
  for (int i = 0; i < job->header_count; i++) named |= !strncasecmp(job->headers[i], "host:", 5);
  snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nUser-Agent: kube-probe/standby\r\nAccept: */*\r\nConnection: close\r\n", job->path);
  if (!say(fd, text)) return 0;
  snprintf(text, sizeof text, strchr(host, ':') ? "Host: [%s]:%d\r\n" : "Host: %s:%d\r\n", host, job->port);
  if (!named && !say(fd, text)) return 0;
  for (int i = 0; i < job->header_count; i++)
    if (!say(fd, job->headers[i]) || !say(fd, "\r\n")) return 0;
  if (!say(fd, "\r\n")) return 0;
  size_t have = 0;
  for (ssize_t n; have < 12 && (n = recv(fd, text + have, 12 - have, 0)) > 0;) have += n;
  text[have] = 0;
  int code = have == 12 && !strncmp(text, "HTTP/1.", 7) ? atoi(text + 9) : 0;
  return code >= 200 && code < 400;
}

static int started_cold(const struct probe_job *job) {
  if (job->hold > 0) {
    long long since = cold_for_ms();
    if (since < 0 || since >= job->hold * 1000LL) return 0;
  }
  if (job->command) {
    execvp(job->command[0], job->command);
    fprintf(stderr, "standby: cannot run %s: %s\n", job->command[0], strerror(errno));
    return 127;
  }
  if (!job->port) return job->hold > 0;
  char host[INET6_ADDRSTRLEN] = "";
  int fd = connect_pod(job->port, host, sizeof host);
  int answers = fd >= 0 && (!job->http || http_ok(fd, host, job));
  if (!answers) fprintf(stderr, "standby: the command has been started; port %d does not answer yet\n", job->port);
  return !answers;
}

/* Exit code; -1 for a command line that is not one of ours. */
static int probe(char **args) {
  struct probe_job job = {0};
  if (!read_probe(args, &job)) return -1;
  char name[COMM_SIZE] = "";
  int has_waited;
  if (!name_when_over(job.wait, name, &has_waited)) {
    fprintf(stderr, "standby: read /proc/1/comm: %s\n", strerror(errno));
    return 1;
  }
  alarm(PROBE_SECONDS); /* the kubelet may give up on us without ending us */
  signal(SIGALRM, SIG_DFL);
  if (!strcmp(name, "standby:live")) {
    const struct timespec moment = {job.settle_ms / 1000, job.settle_ms % 1000 * 1000000L};
    if (has_waited) nanosleep(&moment, 0);
    return 0;
  }
  if (is_waiting(name)) {
    fprintf(stderr, "%s: not restored yet\n", name);
    return 1;
  }
  if (job.timeout > 0) alarm(job.timeout);
  return started_cold(&job);
}
