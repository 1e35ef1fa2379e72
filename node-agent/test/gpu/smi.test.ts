import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { smiDevices, smiNode } from '../../src/gpu/smi';
import { uuid } from './seen';

const MIB = 2 ** 20;

let dir: string;
beforeAll(() => (dir = mkdtempSync(join(tmpdir(), 'smi-'))));
afterAll(() => rmSync(dir, { recursive: true }));

const gpus = [
  `0, ${uuid(1)}, NVIDIA H200, 580.159.04, 143771, 100000, Disabled`,
  `1, ${uuid(2)}, NVIDIA H200, 580.159.04, 143771, 143000, Enabled`,
  '',
].join('\n');

it('reads what nvidia-smi prints', () => {
  const apps = `${uuid(1)}, 71, 40960\n${uuid(1)}, 72, [N/A]\n`;
  const { driver, devices } = smiNode(gpus, apps, new Map([[uuid(1), 3]]));
  expect(driver).toBe('580.159.04');
  expect(devices).toEqual([
    {
      ...{ index: 0, uuid: uuid(1), model: 'NVIDIA H200', minor: 3, mig: false },
      ...{ memoryBytes: 143771 * MIB, freeBytes: 100000 * MIB },
      processes: [{ pid: 71, usedBytes: 40960 * MIB }, { pid: 72 }],
    },
    {
      ...{ index: 1, uuid: uuid(2), model: 'NVIDIA H200', minor: 1, mig: true },
      ...{ memoryBytes: 143771 * MIB, freeBytes: 143000 * MIB },
      processes: [],
    },
  ]);
});

it('knows a GPU that cannot be partitioned', () => {
  const [device] = smiNode(`0, ${uuid(1)}, NVIDIA L4, 580.1, 1, 1, [N/A]\n`, '', new Map()).devices;
  expect(device?.mig).toBe(false);
});

function program(text: string): string {
  const file = join(dir, 'nvidia-smi');
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

it('asks it for GPUs and for processes', async () => {
  const file = program(`case $1 in *gpu=*) printf '%s' '${gpus}';; *) echo '${uuid(2)}, 9, 12';; esac`);
  const { devices } = await smiDevices(file);
  expect(devices.map(({ processes }) => processes)).toEqual([[], [{ pid: 9, usedBytes: 12 * MIB }]]);
});

it('says what it says where it fails', async () => {
  await expect(smiDevices(program('echo "no devices were found"; exit 6'))).rejects.toThrow(
    /nvidia-smi: exit 6: no devices were found/,
  );
});
