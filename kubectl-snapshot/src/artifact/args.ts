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

/** Everything but the pages and the file trees, which only an export needs. */
export const describingTar = (dir: string): readonly string[] => [
  'tar',
  ...['--directory', dir, '--create', '--file', '-', '--exclude', 'pages-*.img', '--exclude', '*.tar.gz.img'],
  ...['--', artifactFile.manifest, artifactFile.rootfsIndex, artifactFile.images],
];

export const wholeTar = (dir: string): readonly string[] => [
  'tar',
  ...['--directory', dir, '--create', '--file', '-', '--', '.'],
];

export const verifyCommand = (dir: string): readonly string[] => ['node', ENGINE, 'verify', dir];

export const doctorCommand: readonly string[] = ['node', ENGINE, 'doctor'];
