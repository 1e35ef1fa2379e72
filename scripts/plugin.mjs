// Packs `kubectl snapshot` for people: an npm package, and a tar with its krew manifest, all in dist/plugin. `npm run build -- kubectl-snapshot` comes first.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const out = 'dist/plugin';
const { version, license } = JSON.parse(readFileSync('kubectl-snapshot/package.json', 'utf8'));
rmSync(out, { recursive: true, force: true });

// npm: one file that Node runs; nothing is installed beside it.
const npm = `${out}/npm`;
mkdirSync(npm, { recursive: true });
writeFileSync(
  `${npm}/kubectl-snapshot.cjs`,
  `#!/usr/bin/env node\n${readFileSync('dist/kubectl-snapshot.cjs', 'utf8')}`,
);
chmodSync(`${npm}/kubectl-snapshot.cjs`, 0o755);
copyFileSync('LICENSE', `${npm}/LICENSE`);
copyFileSync('docs/kubectl-snapshot.md', `${npm}/README.md`);
const manifest = {
  name: 'kubectl-snapshot',
  version,
  license,
  description:
    'kubectl snapshot: capture ready inference workers, look at their checkpoints, restore pods from them.',
  bin: { 'kubectl-snapshot': 'kubectl-snapshot.cjs' },
  // What the Kubernetes client asks for.
  engines: { node: '>=22.19' },
};
writeFileSync(`${npm}/package.json`, `${JSON.stringify(manifest, undefined, 2)}\n`);
execFileSync('npm', ['pack', '--silent', '--pack-destination', '..'], {
  cwd: npm,
  stdio: ['ignore', 'inherit', 'inherit'],
});

// krew: the executable with Node in it.
const tar = `kubectl-snapshot_${version}_linux_amd64.tar.gz`;
const files = ['-C', 'dist', 'kubectl-snapshot', '-C', '..', 'LICENSE'];
execFileSync('tar', [
  '--sort=name',
  '--owner=0',
  '--group=0',
  '--numeric-owner',
  '--mtime=@0',
  '-czf',
  `${out}/${tar}`,
  ...files,
]);
const sha256 = createHash('sha256')
  .update(readFileSync(`${out}/${tar}`))
  .digest('hex');
const krew = readFileSync('kubectl-snapshot/krew/snapshot.yaml', 'utf8');
writeFileSync(
  `${out}/snapshot.yaml`,
  krew.replaceAll('{{version}}', version).replaceAll('{{file}}', tar).replaceAll('{{sha256}}', sha256),
);
