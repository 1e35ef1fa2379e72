/** lsetxattr(2) through koffi, which a single executable cannot carry: it is loaded from beside it, and only when a file needs it. */
import { createRequire } from 'node:module';
import type koffiModule from 'koffi';
import type { SetXattr } from './rootfs';

export function xattrSetter(home: string): SetXattr {
  let set: ((path: string, name: string, value: Buffer, size: number, flags: number) => number) | undefined;
  return (path, name, value) => {
    set ??= load(home);
    if (set(path, name, value, value.length, 0) !== 0) throw new Error(`set ${name} of ${path}`);
  };
}

function load(home: string) {
  const koffi = createRequire(`${home}/nsrestore.js`)('koffi') as typeof koffiModule;
  return koffi
    .load('libc.so.6')
    .func('int lsetxattr(const char *path, const char *name, const uint8_t *value, size_t size, int flags)');
}
