/** Packs everything that the test needs on a machine with nothing but an NVIDIA driver into dist/e2e-gpu: the bench's base, containerd, runc. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Part } from '../../bench/gpu/base';
import { base, bundle, compile, copyHash, runPack } from '../../bench/gpu/base';
import { buildStandby } from '../../standby/test/build';
import { ensurePackages } from '../cluster/packages';
import { STAND_IN, standInLibrary } from './stand-in';

const POSTJECT = 'node_modules/postject/dist/api.js';
/** Node's own, for programs in it (Single executable applications). */
const SEA_FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** Into nsrestore.part. */
const INJECT = `require('./postject.cjs').inject('nsrestore.part', 'NODE_SEA_BLOB', require('node:fs').readFileSync('nsrestore.blob'), {
  sentinelFuse: '${SEA_FUSE}',
}).catch((error) => {
  console.error(error);
  process.exit(1);
});
`;

const said = (file: string, ...args: readonly string[]): string =>
  execFileSync(file, args, { encoding: 'utf8' }).trim();

/** As Debian's packages have installed them here. */
const runtime = (): Part => ({
  name: 'runtime',
  key: said('dpkg-query', '-W', 'containerd', 'runc', 'libseccomp2', 'iproute2', 'libc6') + IP_WRAPPER,
  fill: (home) => {
    for (const dir of ['bin', 'lib']) mkdirSync(join(home, dir));
    for (const name of ['containerd', 'containerd-shim-runc-v2', 'ctr', 'runc'])
      copyFileSync(which(name), join(home, 'bin', name));
    for (const [, library = ''] of said('ldd', which('runc')).matchAll(/=> (\/\S+libseccomp\S+)/g))
      copyFileSync(library, join(home, 'lib', basename(library)));
    packIp(join(home, 'net'));
  },
});

/** It finds its libraries beside itself. */
const IP_WRAPPER = `#!/bin/sh
D=$(dirname "$(readlink -f "$0")")
exec "$D/ld-linux-x86-64.so.2" --inhibit-cache --library-path "$D" "$D/ip.bin" "$@"
`;

/** For the network plugin: not every machine has one. */
function packIp(folder: string): void {
  mkdirSync(folder);
  const ip = which('ip');
  copyFileSync(ip, join(folder, 'ip.bin'));
  // Those with a path: the kernel's own has none.
  for (const [, library = ''] of said('ldd', ip).matchAll(/(\/\S+) \(0x/g))
    copyFileSync(library, join(folder, basename(library)));
  writeFileSync(join(folder, 'ip'), IP_WRAPPER, { mode: 0o755 });
}

const which = (name: string): string => said('sh', '-c', 'command -v "$1"', 'which', name);

async function fillTest(home: string): Promise<void> {
  execFileSync(process.execPath, ['scripts/build.mjs', 'engine', 'memory-worker', 'nsrestore'], {
    stdio: 'inherit',
  });
  for (const name of ['engine.cjs', 'memory-worker.cjs']) copyFileSync(join('dist', name), join(home, name));
  packNsrestore(home);
  await bundle({ main: 'e2e/gpu/main.ts' }, home);
  for (const name of ['worker', 'limits']) compile(`bench/gpu/${name}.c`, join(home, name));
  packStandIn(join(home, STAND_IN));
  buildStandby(join(home, 'standby'));
  for (const shim of ['rlimit-shim', 'tile-shim'])
    compile(`node-agent/native/${shim}.c`, join(home, `${shim}.so`), '-shared', '-fPIC');
  copyHash(home);
  for (const script of ['inside.sh', 'cni.sh']) copyFileSync(join('e2e/gpu', script), join(home, script));
  for (const file of [
    'bench/gpu/vllm/model.py',
    'bench/gpu/vllm/fake_server.py',
    'charts/dynamo-snapshot/files/block-iouring.json',
  ])
    copyFileSync(file, join(home, basename(file)));
}

function packStandIn(folder: string): void {
  mkdirSync(folder);
  compile('e2e/gpu/libcuda.c', join(folder, standInLibrary.cuda), '-shared', '-fPIC');
  compile('node-agent/test/gpu/libnvml.c', join(folder, standInLibrary.nvml), '-shared', '-fPIC');
}

/** It is a second Node, and two do not fit: run.sh makes the very same file of the first one. */
function packNsrestore(home: string): void {
  const digest = createHash('sha256').update(readFileSync('dist/nsrestore')).digest('hex');
  copyFileSync('dist/nsrestore.blob', join(home, 'nsrestore.blob'));
  copyFileSync(POSTJECT, join(home, 'postject.cjs'));
  writeFileSync(join(home, 'nsrestore.sha256'), `${digest}  nsrestore\n`);
  writeFileSync(join(home, 'nsrestore-inject.cjs'), INJECT);
}

// containerd and runc come from the packages of this machine.
void ensurePackages((line) => console.error(line)).then(() =>
  runPack({
    out: 'dist/e2e-gpu',
    mostBytes: 56e6,
    scripts: ['e2e/gpu/run.sh'],
    parts: [base(), runtime(), { name: 'e2e', fill: fillTest }],
  }),
);
