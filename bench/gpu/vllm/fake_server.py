"""
Stands in for `vllm serve` where there is no GPU, as far as a dump can tell: three processes of which two pretend to hold CUDA state
($FAKE_CUDA, where there is one), a connection between them over the loopback, a listener at the machine's own address, a named semaphore, a log
that grows, a file in the cache that is kept open. Its tokens come from memory that it filled at its start; a prompt that it has seen before
gets others, as with a prefix cache.
"""
import ctypes
import errno
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
if libc.syscall(IO_URING_SETUP, 1, None) != -1 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
    sys.exit("an io_uring is not refused")
host, port = (sys.argv[sys.argv.index(option) + 1] for option in ("--host", "--port"))
cache = os.environ["VLLM_CACHE_ROOT"]
os.makedirs(cache, exist_ok=True)


def holds_cuda():
    if "FAKE_CUDA" not in os.environ:
        return
    with open(os.path.join(os.environ["FAKE_CUDA"], str(os.getpid())), "w") as state:
        state.write("0")


libc.sem_open.restype = ctypes.c_void_p
semaphore = ctypes.c_void_p(libc.sem_open(f"/fake-{os.getpid()}".encode(), os.O_CREAT | os.O_EXCL, 0o600, 1))
if not semaphore.value:
    sys.exit("no semaphore")


def own_address():
    """As vLLM and gloo find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 1))
        except OSError:
            return "127.0.0.1"
        return probe.getsockname()[0]


def engine(connection):
    holds_cuda()
    # Nobody connects to it, as with a store of one rank.
    store = socket.create_server((own_address(), 0))
    compiled = open(os.path.join(cache, "compiled"), "a+b")
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


http.server.HTTPServer((host, int(port)), Handler).serve_forever()
