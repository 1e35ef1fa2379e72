/* Seizes the processes PID... and stops them, as CRIU does; says so, and holds them until it is ended. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    pid_t pid = atoi(argv[i]);
    if (ptrace(PTRACE_SEIZE, pid, 0, 0) || ptrace(PTRACE_INTERRUPT, pid, 0, 0)) { perror("ptrace"); return 1; }
    if (waitpid(pid, NULL, __WALL) != pid) { perror("waitpid"); return 1; }
  }
  puts("ready");
  fflush(stdout);
  for (;;) pause();
}
