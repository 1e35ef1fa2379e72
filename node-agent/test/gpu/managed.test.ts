import { managedBytes } from '../../src/gpu/managed';

/** As an H200 with driver 580 shows them. */
const PLAIN = `204a00000-204c00000 rw-s 204a00000 00:06 88 /dev/nvidia-uvm
20c600000-20c800000 rw-s 20c600000 00:06 88 /dev/nvidia-uvm
7f0000000000-7f0040000000 rw-s 00000000 00:06 89 /dev/nvidia-uvm-tools
7f1000000000-7f1040000000 rw-p 00000000 00:00 0
`;

it("takes none of the driver's own for managed memory", () => {
  expect(managedBytes('')).toBe(0);
  expect(managedBytes(PLAIN)).toBe(0);
});

it('adds up what is larger, under whatever name a container has the device', () => {
  const maps = `${PLAIN}7f2000000000-7f2004000000 rw-s 7f2000000000 00:06 88 /dev/nvidia-uvm
7f3000000000-7f3040000000 rw-s 7f3000000000 00:06 88 /host/dev/nvidia-uvm
`;
  expect(managedBytes(maps)).toBe((64 << 20) + (1 << 30));
});
