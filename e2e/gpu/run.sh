#!/bin/sh
# Unpacks the test that lies beside this script and runs it: run.sh OUT_DIR [--cpu].
# Needs root and, but for --cpu, an NVIDIA driver; no network, Node, containerd or Kubernetes. Everything has a time limit.
# E2E_WORK: scratch, not below /tmp (default /var/tmp/dynamo-e2e-gpu). E2E_GIB: size of the worker. E2E_LIMIT: seconds.
# E2E_WORKER: memory (default), vllm-8b or vllm-0.6b. Of these: E2E_STARTS (empty,warm: cold starts with nothing compiled, and with what the
# first compiled), E2E_VLLM (where dist/bench-gpu-vllm/unpack.sh has put vLLM).
set -eu
PATH=$PATH:/usr/sbin:/sbin
out=${1:?usage: run.sh OUT_DIR [--cpu]}
shift
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"
rm -rf "$out/containers"
out=$(cd "$out" && pwd)

work=${E2E_WORK:-/var/tmp/dynamo-e2e-gpu}
export E2E_HOME="$work/home" E2E_OUT="$out" E2E_SCRATCH="$work/scratch"
mkdir -p "$E2E_HOME" "$E2E_SCRATCH"
exec 9> "$work/lock"
flock -w 600 9
if [ -d "$here/home" ]; then
  # Packed for this machine. Copied, because the engine sees nothing of /tmp while it restores.
  rm -rf "$E2E_HOME"
  cp -a "$here/home" "$E2E_HOME"
else
  for part in base runtime e2e; do
    [ "$E2E_HOME/.$part" -nt "$here/$part.tar.xz" ] && continue
    timeout 120 tar -C "$E2E_HOME" -xJf "$here/$part.tar.xz"
    touch "$E2E_HOME/.$part"
  done
fi
# The executable that ships is this Node with the program in it; put together here, for it does not compress.
cd "$E2E_HOME"
if ! sha256sum --status -c nsrestore.sha256 2>/dev/null; then
  cp node nsrestore.part
  timeout 60 ./node nsrestore-inject.cjs > nsrestore.log 2>&1
  mv nsrestore.part nsrestore
  sha256sum --quiet -c nsrestore.sha256
fi
cd /

# For the workers vllm-*: what lies beside us, or was left here before.
export E2E_VLLM="${E2E_VLLM:-/var/tmp/dynamo-bench/vllm}"
case "${E2E_WORKER:-memory} $*" in
*--cpu*) ;;
vllm-*) [ ! -d "$here/../bench-gpu-vllm" ] || sh "$here/../bench-gpu-vllm/unpack.sh" ;;
esac

# Folders at containerd's standard paths; what is mounted there is seen by this test alone, and is gone with it.
made=
for dir in /run/containerd /var/lib/containerd; do
  [ -d "$dir" ] || { mkdir -p "$dir" && made="$made $dir"; }
done

{
  echo "e2e/gpu on $(uname -r), $(nproc) processors, $(awk '/MemTotal/ { print int($2 / 1048576) }' /proc/meminfo) GiB, $(date -u)"
  timeout 20 nvidia-smi --query-gpu=name,driver_version,memory.total,memory.free --format=csv,noheader || echo "nvidia-smi does not work"
  echo "root: $(findmnt -n -o FSTYPE,OPTIONS / || true)"
  grep cgroup /proc/mounts || true
  # A file cgroup.type means that this is no root of cgroups, so that controllers cannot be given to ours while it has processes.
  (cd /sys/fs/cgroup && grep -s . /proc/self/cgroup cgroup.controllers cgroup.subtree_control cgroup.type) || true
  ldconfig -p | grep -E 'libcuda.so|libseccomp' || true
  echo "LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}; devices: $(find /dev -maxdepth 2 -name 'nvidia*' -type c | tr '\n' ' ')"
} 2>&1 | tee "$out/machine.txt"

case ${E2E_WORKER:-memory} in
vllm-*) limit=${E2E_LIMIT:-500} ;;
*) limit=${E2E_LIMIT:-480} ;;
esac
set +e
{
  timeout --kill-after=90 "$limit" unshare --mount --propagation private sh "$E2E_HOME/inside.sh" "$@" 9>&-
  echo $? > "$work/code"
  timeout 60 "$E2E_HOME/node" "$E2E_HOME/main.cjs" clean
} 2>&1 | tee "$out/e2e.log"
# Few files, for machines that hand back few.
tar -C "$out" -cJf "$out/containers.tar.xz" containers && rm -r "$out/containers"
# shellcheck disable=SC2086
[ -z "$made" ] || rmdir $made
exit "$(cat "$work/code")"
