"""A stand-in for an inference worker: loads a "model", warms up, then serves on :8000 with state that a restore must carry.

Environment: MODEL_MB (512), WARMUP_SECONDS (3), SNAPSHOT_CONTROL_DIR (speak the control-file protocol), STATE_DIR (/var/lib/worker).
"""
import base64
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

MODEL_MB = int(os.environ.get("MODEL_MB", "512"))
WARMUP_SECONDS = float(os.environ.get("WARMUP_SECONDS", "3"))
CONTROL = os.environ.get("SNAPSHOT_CONTROL_DIR", "")
STATE = os.environ.get("STATE_DIR", "/var/lib/worker")
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"

started = time.monotonic()
lock = threading.Lock()
counter = 0
ticks = 0
restored = False
paused = False
HOOKS = []
served_after_load = time.time()


def load_model():
    block = os.urandom(1 << 20)
    model = bytearray(MODEL_MB << 20)
    view = memoryview(model)
    for i in range(MODEL_MB):
        view[i << 20:(i + 1) << 20] = block
        view[i << 20:(i << 20) + 8] = i.to_bytes(8, "little")
    return model


def warm_up(model):
    until = time.monotonic() + WARMUP_SECONDS
    while time.monotonic() < until:
        hashlib.sha256(memoryview(model)[: 64 << 20]).digest()


def touch_root_file_system():
    """What a worker does to its root file system: a log that stays open, files written, changed, deleted, a folder replaced."""
    path = lambda name: os.path.join(STATE, name)
    if os.path.exists(path("deleted-at-start")):
        os.unlink(path("deleted-at-start"))
    with open(path("changed-at-start"), "w") as f:
        f.write("changed by the worker\n")
    with open(path("written-at-start"), "w") as f:
        f.write("written by the worker\n")
    if os.path.isdir(path("opaque")):
        shutil.rmtree(path("opaque"))
    os.mkdir(path("opaque"))
    with open(path("opaque/new"), "w") as f:
        f.write("new\n")
    gone = open(path("unlinked-while-open"), "w+")
    gone.write("still here\n")
    gone.flush()
    os.unlink(path("unlinked-while-open"))
    return open(path("worker.log"), "a", buffering=1), gone


print("loading %d MiB" % MODEL_MB, flush=True)
MODEL = load_model()
DIGEST = hashlib.sha256(MODEL).hexdigest()
warm_up(MODEL)
LOG, UNLINKED = touch_root_file_system()
DATA = open("/data/worker.txt", "a", buffering=1) if os.path.isdir("/data") else None
CHILD = subprocess.Popen(
    [sys.executable, "-u", "-c", "import sys\nfor l in sys.stdin: print('child:' + l.strip(), flush=True)"],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
child_lock = threading.Lock()


def ask_child(word):
    with child_lock:
        CHILD.stdin.write(word + "\n")
        CHILD.stdin.flush()
        return CHILD.stdout.readline().strip()


def tick():
    global ticks
    while True:
        time.sleep(1)
        ticks += 1
        print("tick %d counter %d" % (ticks, counter), flush=True)
        LOG.write("tick %d\n" % ticks)
        if DATA:
            DATA.write("tick %d\n" % ticks)


def follow_control_files():
    """Upstream's contract: ready-for-snapshot from us; snapshot-complete (exit) or restore-complete (you are a clone) to us."""
    global restored
    open(os.path.join(CONTROL, "ready-for-snapshot"), "w").write("done\n")
    while True:
        if os.path.exists(os.path.join(CONTROL, "snapshot-complete")):
            print("snapshot complete, leaving", flush=True)
            os._exit(0)
        if not restored and os.path.exists(os.path.join(CONTROL, "restore-complete")):
            restored = True
            print("restored as %s" % socket.gethostname(), flush=True)
        time.sleep(0.05)


def read(path):
    try:
        with open(path) as f:
            return f.read().strip()
    except OSError as error:
        return "error: %s" % error.strerror


def token_claims():
    parts = read(TOKEN).split(".")
    if len(parts) != 3:
        return {}
    return json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))).get("kubernetes.io", {})


def state():
    UNLINKED.seek(0)
    return {
        "counter": counter, "ticks": ticks, "restored": restored, "uptime": time.monotonic() - started,
        "modelIntact": hashlib.sha256(MODEL).hexdigest() == DIGEST, "modelMb": len(MODEL) >> 20,
        "pid": os.getpid(), "uid": os.getuid(), "threads": threading.active_count(),
        "child": ask_child("hello"), "hostname": socket.gethostname(), "etcHostname": read("/etc/hostname"),
        "token": token_claims(), "serviceAccountRead": not read(TOKEN).startswith("error"),
        "deleted": not os.path.exists(os.path.join(STATE, "deleted-at-start")),
        "changed": read(os.path.join(STATE, "changed-at-start")),
        "written": read(os.path.join(STATE, "written-at-start")),
        "opaque": sorted(os.listdir(os.path.join(STATE, "opaque"))),
        "unlinked": UNLINKED.read().strip(),
        "logLines": len(read(os.path.join(STATE, "worker.log")).splitlines()),
        "dataLines": len(read("/data/worker.txt").splitlines()) if DATA else -1,
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, value, code=200):
        body = json.dumps(value).encode() + b"\n"
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        """Hooks, as an inference server has them: at rest it counts no more."""
        global paused
        url = urlparse(self.path)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if url.path == "/hang":
            time.sleep(3600)
        if url.path not in ("/pause", "/resume"):
            return self.answer({"error": "no such hook"}, 500)
        paused = url.path == "/pause"
        HOOKS.append(url.path)
        return self.answer({"paused": paused})

    def do_GET(self):
        global counter
        url = urlparse(self.path)
        if url.path == "/healthz":
            return self.answer({"ok": True})
        if url.path == "/count":
            with lock:
                counter += 1
                return self.answer({"counter": counter})
        if url.path == "/state":
            return self.answer(state())
        if url.path == "/hooks":
            return self.answer({"paused": paused, "hooks": HOOKS})
        if url.path == "/exit":
            self.answer({"leaving": True})
            threading.Timer(0.1, os._exit, [int(parse_qs(url.query).get("code", ["0"])[0])]).start()
            return None
        return self.answer({"error": "no such path"}, 404)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128


def on_sigterm(*_):
    print("SIGTERM: leaving", flush=True)
    os._exit(int(os.environ.get("SIGTERM_EXIT", "0")))


signal.signal(signal.SIGTERM, on_sigterm)
threading.Thread(target=tick, daemon=True).start()
server = Server(("0.0.0.0", 8000), Handler)
if CONTROL:
    threading.Thread(target=follow_control_files, daemon=True).start()
print("serving after %.1f s" % (time.monotonic() - started), flush=True)
server.serve_forever()
