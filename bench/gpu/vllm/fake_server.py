"""
Stands in for `vllm serve` where there is no GPU, as far as a dump can tell: three processes of which two pretend to hold CUDA state
($FAKE_CUDA), a connection between them over the loopback, a named semaphore, a log that grows. Its tokens come from memory
that it filled at its start; a prompt that it has seen before gets others, as with a prefix cache.
"""
import ctypes
import hashlib
import http.server
import json
import os
import random
import socket
import sys
import time

IO_URING_SETUP = 425
libc = ctypes.CDLL(None, use_errno=True)
if libc.syscall(IO_URING_SETUP, 1, None) != -1 or ctypes.get_errno() != 1:
    sys.exit("an io_uring is not refused")
port = int(sys.argv[sys.argv.index("--port") + 1])


def holds_cuda():
    with open(os.path.join(os.environ["FAKE_CUDA"], str(os.getpid())), "w") as state:
        state.write("0")


libc.sem_open.restype = ctypes.c_void_p
semaphore = ctypes.c_void_p(libc.sem_open(f"/fake-{os.getpid()}".encode(), os.O_CREAT | os.O_EXCL, 0o600, 1))
if not semaphore.value:
    sys.exit("no semaphore")


def engine(connection):
    holds_cuda()
    memory = random.Random(1).randbytes(32 << 20)
    seen = set()
    while True:
        line = connection.readline()
        asked = json.loads(line)
        libc.sem_wait(semaphore)
        source = random.Random(hashlib.sha256(memory + line + bytes([line in seen])).digest())
        seen.add(line)
        libc.sem_post(semaphore)
        connection.write(json.dumps([source.randrange(150000) for _ in range(asked["max_tokens"])]).encode() + b"\n")
        connection.flush()


listener = socket.create_server(("127.0.0.1", 0))
if os.fork() == 0:
    engine(socket.create_connection(listener.getsockname()).makefile("rwb"))
if os.fork() == 0:
    while True:
        time.sleep(3600)
holds_cuda()
connection = listener.accept()[0].makefile("rwb")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        connection.write(json.dumps({"prompt": body["prompt"], "max_tokens": body["max_tokens"]}).encode() + b"\n")
        connection.flush()
        answer = json.dumps({"choices": [{"token_ids": json.loads(connection.readline())}]}).encode()
        print("answered", flush=True)
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
