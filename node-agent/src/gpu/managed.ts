/** Managed memory (cuMemAllocManaged), which the driver moves between the host and GPUs by itself, as it is seen from outside of its process; pure. */

/** Each such allocation is a mapping of this device (the driver's kernel module: uvm_mmap). */
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) .*\/nvidia-uvm$/gm;

/**
 * Every process with CUDA maps the device, for what the driver needs itself: 2 MiB at a time (PyTorch once, vLLM's engine twice; an H200, driver 580).
 * An allocation that is no larger than this is left to the driver to refuse.
 */
const DRIVERS_OWN_BYTES = 16 << 20;

/** By /proc/PID/maps (proc_pid_maps(5)). */
export function managedBytes(maps: string): number {
  const sizes = [...maps.matchAll(MAPPING)].map(
    ([, start = '', end = '']) => parseInt(end, 16) - parseInt(start, 16),
  );
  return sizes.filter((bytes) => bytes > DRIVERS_OWN_BYTES).reduce((sum, bytes) => sum + bytes, 0);
}
