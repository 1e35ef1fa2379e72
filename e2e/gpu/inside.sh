#!/bin/sh
# Runs in a mount namespace of its own: gives it a containerd's folders, in memory, and becomes the test.
set -eu
# Its own huge pages, as a store in memory would have them; the node's setting stays.
mount -t tmpfs -o size=90%,huge=always scratch "$E2E_SCRATCH" || mount -t tmpfs -o size=90% scratch "$E2E_SCRATCH"
mkdir "$E2E_SCRATCH/containerd"
mount --bind "$E2E_SCRATCH/containerd" /var/lib/containerd
mount -t tmpfs -o mode=711 containerd /run/containerd
if ! ldconfig -p | grep -q libseccomp.so.2; then
  # runc clears its environment, so its library must be one that the loader knows.
  ldconfig -C "$E2E_SCRATCH/ld.so.cache" "$E2E_HOME/lib"
  mount --bind "$E2E_SCRATCH/ld.so.cache" /etc/ld.so.cache
fi
if [ -e /dev/nvidiactl ] && [ ! -e /dev/nvidia-uvm ]; then
  # The driver makes it at the first use, and a container's /dev is made before that.
  nvidia-modprobe -u -c=0 || echo "nvidia-modprobe does not work, and there is no /dev/nvidia-uvm"
fi
exec "$E2E_HOME/node" "$E2E_HOME/main.cjs" run "$@"
