/** A GPU as NVML or nvidia-smi shows it. */

export interface Device {
  readonly index: number;
  /** GPU-8-4-4-4-12 hex digits. */
  readonly uuid: string;
  /** e.g. NVIDIA H200 */
  readonly model: string;
  /** N of /dev/nvidiaN. */
  readonly minor: number;
  readonly memoryBytes: number;
  readonly freeBytes: number;
  readonly mig: boolean;
  readonly processes: readonly DeviceProcess[];
}

export interface DeviceProcess {
  readonly pid: number;
  /** Absent where the driver does not tell. */
  readonly usedBytes?: number;
  /** A client of CUDA's Multi-Process Service. */
  readonly mps?: boolean;
}

export interface GpuNode {
  /** e.g. 580.159.04 */
  readonly driver: string;
  readonly devices: readonly Device[];
}

export const GPU_UUID = /^GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
