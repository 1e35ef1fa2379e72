/* A worker of one file: counts on :8000, and has nothing but its memory to remember how far it is. */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(8000)};
  if (bind(listener, (struct sockaddr *)&any, sizeof any) || listen(listener, 64)) return 1;
  setvbuf(stdout, 0, _IOLBF, 0);
  printf("serving\n");
  for (unsigned counter = 0;;) {
    char request[4096] = "", body[64], answer[256];
    int client = accept(listener, 0, 0);
    if (client < 0) continue;
    recv(client, request, sizeof request - 1, 0);
    if (!strncmp(request, "GET /count ", 11)) counter++;
    int length = snprintf(body, sizeof body, "{\"counter\":%u}\n", counter);
    int size = snprintf(answer, sizeof answer,
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
                        length, body);
    send(client, answer, size, 0);
    close(client);
  }
}
