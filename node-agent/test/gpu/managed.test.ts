import { managedBytes } from '../../src/gpu/managed';

/** As driver 580 on an H200 has them. */
const PLAIN = [
  '200000000-200200000 ---p 00000000 00:00 0 ',
  '204a00000-204c00000 rw-s 204a00000 00:06 144                             /dev/nvidia-uvm',
  '7f4c8e000000-7f4c8e021000 rw-p 00000000 00:00 0 ',
  '7f4c99c3d000-7f4c99c3e000 rw-s 00000000 00:06 141                        /dev/nvidia0',
].join('\n');
const MANAGED = '7f4c92000000-7f4c96000000 rw-s 7f4c92000000 00:06 144                    /dev/nvidia-uvm';

it('knows managed memory by where it is mapped', () => {
  expect(managedBytes(`${PLAIN}\n${MANAGED}\n`)).toBe(64 << 20);
});

it('finds none in a process that has only CUDA', () => {
  expect(managedBytes(PLAIN)).toBe(0);
});
