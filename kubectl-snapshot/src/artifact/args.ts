/** What runs in an agent's pod for the commands that need the store; pure. */
import { artifactFile } from '@dynamo-snapshot/api/layout';

export interface AgentPod {
  readonly namespace: string;
  readonly name: string;
  readonly container: string;
  /** Where the store is mounted in it. */
  readonly store: string;
}

const ENGINE = '/opt/dynamo-snapshot/engine.cjs';

/** `stdin`: what we write is the command's input. */
export const execArgs = (
  { namespace, name, container }: AgentPod,
  command: readonly string[],
  stdin = false,
): readonly string[] => [
  'exec',
  ...(stdin ? ['--stdin'] : []),
  ...['--namespace', namespace, name, '--container', container, '--', ...command],
];

/** Paths come as positional parameters only. */
const shell = (script: string, ...parameters: readonly string[]): readonly string[] => [
  'sh',
  '-c',
  script,
  'sh',
  ...parameters,
];

/** By its path: busybox's shell prefers a tar of its own, which knows no --exclude. */
const TAR = '/usr/bin/tar';

/** An artifact whose pages CRIU wrote itself has no index. */
const WITH_INDEX = `cd "$1" && shift && if [ -e ${artifactFile.pagesIndex} ]; then set -- "$@" ${artifactFile.pagesIndex}; fi && exec ${TAR}`;

/** Everything but the pages and the file trees, which only an export needs. */
export const describingTar = (dir: string): readonly string[] =>
  shell(
    `${WITH_INDEX} --create --file - --exclude 'pages-*.img' --exclude '*.tar.gz.img' -- "$@"`,
    dir,
    artifactFile.manifest,
    artifactFile.rootfsIndex,
    artifactFile.images,
  );

/** In this order: what vouches for a file, or tells whose pages it has, comes before it. */
const FIRST = [
  artifactFile.pagesIndex,
  ...['files', 'memfd', 'mm-*', 'pagemap-*'].map((name) => `${artifactFile.images}/${name}.img`),
];
const NOT_AGAIN = [artifactFile.manifest, ...FIRST].map((path) => `--exclude './${path}'`).join(' ');

/** The manifest first, then the rest. */
export const wholeTar = (dir: string): readonly string[] =>
  shell(
    `cd "$1" && shift && for f in ${FIRST.join(' ')}; do if [ -e "$f" ]; then set -- "$@" "$f"; fi; done && exec ${TAR} --create --file - ${NOT_AGAIN} -- "$@" .`,
    dir,
    artifactFile.manifest,
  );

export const verifyCommand = (dir: string): readonly string[] => ['node', ENGINE, 'verify', dir];

/** A tar on stdin becomes a fresh folder. */
export const receiveCommand = (dir: string): readonly string[] =>
  shell(`rm -rf "$1" && mkdir -p "$1" && exec ${TAR} --extract --file - --directory "$1"`, dir);

/** The image has no mv; and nothing may be named that a power cut would take away again. */
const SYNC_AND_RENAME = `const { closeSync, fsyncSync, openSync, readdirSync, renameSync } = require('node:fs');
const [from, to] = process.argv.slice(1);
const files = readdirSync(from, { recursive: true, withFileTypes: true }).filter((e) => e.isFile());
for (const path of [...files.map((e) => e.parentPath + '/' + e.name), from]) {
  const fd = openSync(path, 'r');
  fsyncSync(fd);
  closeSync(fd);
}
renameSync(from, to);`;

export const publishCommand = (staging: string, final: string): readonly string[] => [
  'node',
  '-e',
  SYNC_AND_RENAME,
  staging,
  final,
];

export const discardCommand = (staging: string, final: string): readonly string[] =>
  shell('exec rm -rf "$1" "$2"', staging, final);

export const doctorCommand: readonly string[] = ['node', ENGINE, 'doctor'];
