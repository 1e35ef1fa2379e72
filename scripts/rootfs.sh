#!/bin/sh
# rootfs.sh ROOT PROGRAM...: puts programs into ROOT together with the libraries that their loader wants, at the same paths.
set -eu
root=$1
shift
for program in "$@"; do
  libraries=$(ldd "$program" 2>/dev/null | grep -oE '/[^ ]+' || true)
  for file in $program $libraries; do
    mkdir -p "$root$(dirname "$file")"
    cp -Ln "$file" "$root$file" 2>/dev/null || true
  done
done
