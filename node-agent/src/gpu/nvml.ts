/** The node's GPUs through NVML (libnvidia-ml.so.1, nvml.h) by koffi. Loaded in the CUDA helper only, as all of the driver's code. */
import koffi from 'koffi';
import type { LibraryHandle } from 'koffi';
import { explain } from '@dynamo-snapshot/api/errors';
import type { Device, DeviceProcess, GpuNode } from './device';

const NVML_SUCCESS = 0;
/** More processes than asked for. */
const NVML_ERROR_INSUFFICIENT_SIZE = 7;

const TEXT_BYTES = 96;
const MOST_PROCESSES = 256;
/** nvmlProcessInfo_t: { unsigned int pid; unsigned long long usedGpuMemory; unsigned int gpuInstanceId, computeInstanceId; } */
const PROCESS_BYTES = 24;
/** usedGpuMemory where the driver does not tell. */
const NOT_AVAILABLE = 0xffffffffffffffffn;

const signatures = {
  init: 'int nvmlInit_v2()',
  driver: 'int nvmlSystemGetDriverVersion(_Out_ uint8_t *text, unsigned int length)',
  count: 'int nvmlDeviceGetCount_v2(_Out_ unsigned int *count)',
  handle: 'int nvmlDeviceGetHandleByIndex_v2(unsigned int index, _Out_ void **device)',
  uuid: 'int nvmlDeviceGetUUID(void *device, _Out_ uint8_t *text, unsigned int length)',
  name: 'int nvmlDeviceGetName(void *device, _Out_ uint8_t *text, unsigned int length)',
  minor: 'int nvmlDeviceGetMinorNumber(void *device, _Out_ unsigned int *minor)',
  memory: 'int nvmlDeviceGetMemoryInfo(void *device, _Out_ uint64_t *memory)',
  mig: 'int nvmlDeviceGetMigMode(void *device, _Out_ unsigned int *current, _Out_ unsigned int *pending)',
  processes:
    'int nvmlDeviceGetComputeRunningProcesses_v3(void *device, _Inout_ unsigned int *count, _Out_ uint8_t *infos)',
  mps: 'int nvmlDeviceGetMPSComputeRunningProcesses_v3(void *device, _Inout_ unsigned int *count, _Out_ uint8_t *infos)',
} as const;

type Nvml = Readonly<Record<keyof typeof signatures, ReturnType<LibraryHandle['func']>>>;

/** Throws where there is no NVML, or where it does not work. */
export function nvmlDevices(library: string): GpuNode {
  const nvml = load(library);
  check('nvmlInit', nvml.init());
  const driver = text((buffer) => nvml.driver(buffer, buffer.length), 'driver version');
  const count = number((out) => nvml.count(out), 'number of devices');
  return { driver, devices: Array.from({ length: count }, (_, index) => device(nvml, index)) };
}

function load(library: string): Nvml {
  try {
    const lib = koffi.load(library);
    const entries = Object.entries(signatures).map(([name, signature]) => [name, lib.func(signature)]);
    return Object.fromEntries(entries) as Nvml;
  } catch (cause) {
    throw new Error(`load ${library}: ${explain(cause)}`, { cause });
  }
}

function device(nvml: Nvml, index: number): Device {
  const out: unknown[] = [null];
  check(`device ${index}`, nvml.handle(index, out));
  const [handle] = out;
  const memory = new BigUint64Array(3);
  check(`memory of device ${index}`, nvml.memory(handle, memory));
  const [total = 0n, free = 0n] = memory;
  return {
    index,
    uuid: text((b) => nvml.uuid(handle, b, b.length), `UUID of device ${index}`),
    model: text((b) => nvml.name(handle, b, b.length), `name of device ${index}`),
    minor: number((o) => nvml.minor(handle, o), `minor number of device ${index}`),
    memoryBytes: Number(total),
    freeBytes: Number(free),
    mig: migMode(nvml, handle),
    processes: [
      ...processes(nvml.processes, handle),
      ...processes(nvml.mps, handle).map((p) => ({ ...p, mps: true })),
    ],
  };
}

/** A GPU that cannot be partitioned answers NVML_ERROR_NOT_SUPPORTED. */
function migMode(nvml: Nvml, handle: unknown): boolean {
  const current = [0];
  return nvml.mig(handle, current, [0]) === NVML_SUCCESS && current[0] === 1;
}

function processes(list: Nvml['mps'], handle: unknown): readonly DeviceProcess[] {
  const count = [MOST_PROCESSES];
  const infos = Buffer.alloc(MOST_PROCESSES * PROCESS_BYTES);
  const rc = list(handle, count, infos);
  if (rc !== NVML_SUCCESS && rc !== NVML_ERROR_INSUFFICIENT_SIZE) return [];
  return Array.from({ length: Math.min(count[0] ?? 0, MOST_PROCESSES) }, (_, i) => {
    const used = infos.readBigUInt64LE(i * PROCESS_BYTES + 8);
    return {
      pid: infos.readUInt32LE(i * PROCESS_BYTES),
      ...(used === NOT_AVAILABLE ? {} : { usedBytes: Number(used) }),
    };
  });
}

function text(read: (buffer: Buffer) => number, what: string): string {
  const buffer = Buffer.alloc(TEXT_BYTES);
  check(what, read(buffer));
  return buffer.toString('utf8', 0, buffer.indexOf(0));
}

function number(read: (out: number[]) => number, what: string): number {
  const out = [0];
  check(what, read(out));
  return out[0] ?? 0;
}

function check(what: string, rc: number): void {
  if (rc !== NVML_SUCCESS) throw new Error(`NVML: ${what}: error ${rc}`);
}
