#!/bin/sh
# Takes the pieces of vLLM that lie beside this script to where run.sh looks for them, and unpacks them when all are there: they may come
# one by one, where a transfer has a limit. BENCH_WORK: as in run.sh.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
vllm=${BENCH_WORK:-/var/tmp/dynamo-bench}/vllm
mkdir -p "$vllm/pieces"
for piece in "$here"/vllm.? "$here/SHA256SUMS"; do
  [ ! -e "$piece" ] || cp "$piece" "$vllm/pieces/"
done
cd "$vllm/pieces"
if ! sha256sum --status --check SHA256SUMS 2>/dev/null; then
  echo "vLLM: not all pieces are here yet: $(ls)"
  exit 0
fi
cmp -s SHA256SUMS "$vllm/unpacked" && exit 0
rm -rf "$vllm/site" "$vllm/unpacked"
cat vllm.? | timeout 200 xz -dc -T0 | tar -C "$vllm" -x
# Once, and not within the first start that is measured.
timeout 200 python3 -m compileall -q -j 0 "$vllm/site" > /dev/null 2>&1 || echo "vLLM: not all of it was compiled"
cp SHA256SUMS "$vllm/unpacked"
echo "vLLM: unpacked, $(du -sm "$vllm/site" | cut -f 1) MB"
