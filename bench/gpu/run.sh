#!/bin/sh
# Unpacks the bench that lies beside this script and runs it: run.sh OUT_DIR [CASES], CASES separated by commas or spaces (also $CASES).
# Needs root and an NVIDIA driver; no network, Node, containerd or Kubernetes. Everything has a time limit.
# BENCH_WORK: scratch (default /var/tmp/dynamo-bench). BENCH_IMAGES: where captures go (default: a tmpfs of its own).
# BENCH_PATHS: what takes turns (stock,ours,ours-job).
# Of the cases vllm-*: BENCH_VLLM_ROUNDS (3), BENCH_VLLM_STARTS (empty,warm: with nothing compiled, and with what the first compiled).
set -eu
out=${1:?usage: run.sh OUT_DIR [CASES]}
cases=${2:-${CASES:-}}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"
out=$(cd "$out" && pwd)

work=${BENCH_WORK:-/var/tmp/dynamo-bench}
home=$work/dynamo-bench
mkdir -p "$work"
mkdir -p "$home"
for part in base bench; do
  [ "$home/.$part" -nt "$here/$part.tar.xz" ] && continue
  timeout 120 tar -C "$home" -xJf "$here/$part.tar.xz"
  touch "$home/.$part"
done

# For the cases vllm-*: what lies beside us, or was left here before.
[ ! -d "$here/../bench-gpu-vllm" ] || sh "$here/../bench-gpu-vllm/unpack.sh"

images=${BENCH_IMAGES:-$work/images}
mkdir -p "$images"
if [ -z "${BENCH_IMAGES:-}" ] && ! grep -q " $images tmpfs " /proc/mounts; then
  # Its own huge pages, as a store in memory would have them; the node's setting stays.
  mount -t tmpfs -o size=90%,huge=always bench-images "$images" || mount -t tmpfs -o size=90% bench-images "$images"
fi

cgroup=${BENCH_CGROUP:-/sys/fs/cgroup/dynamo-bench}
mkdir -p "$cgroup"

export BENCH_HOME="$home" BENCH_OUT="$out" BENCH_WORK="$work/scratch" BENCH_IMAGES="$images" BENCH_CGROUP="$cgroup" BENCH_VLLM="$work/vllm"
export SNAPSHOT_CRIU="$home/criu/criu" SNAPSHOT_ENGINE="$home/engine.cjs" SNAPSHOT_RLIMIT_SHIM="$home/rlimit-shim.so"
export SNAPSHOT_WORK="$work/engine"
{
  echo "bench/gpu on $(uname -r), $(nproc) processors, $(awk '/MemTotal/ { print int($2 / 1048576) }' /proc/meminfo) GiB, $(date -u)"
  timeout 20 nvidia-smi --query-gpu=name,driver_version,memory.total,memory.free --format=csv,noheader || echo "nvidia-smi does not work"
  grep bench-images /proc/mounts || true
  echo "python: $(command -v python3 || echo none)"
  echo "huge pages: $(cat /sys/kernel/mm/transparent_hugepage/enabled), defrag $(cat /sys/kernel/mm/transparent_hugepage/defrag), glibc $(ldd --version 2>/dev/null | head -n 1)"
} 2>&1 | tee "$out/machine.txt"

set +e
# shellcheck disable=SC2086
timeout --kill-after=10 "${BENCH_LIMIT:-570}" "$home/node" "$home/bench.cjs" run $(echo "$cases" | tr ',' ' ') 2>&1 | tee "$out/bench.log"
ls -l "$out"
# In one piece, for machines that hand back few files.
tar -C "$out" -cJf "$out.tar.xz" . && mv "$out.tar.xz" "$out/all.tar.xz"
