/** `standby --probe` in the place of a pod's startup probe: asked by a kubelet, in the container, at the pod's own address. */
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { standbySignal } from '@dynamo-snapshot/api/control';
import { sigqueue } from '../../node-agent/src/linux/syscalls';
import type { Pod } from './pod';
import { adopt, comm, describeAsRoot, dir, isLive, restored, standby, startProgram, until } from './pod';

const own = () => join(dir, 'standby');
const begin = () => {
  if (!existsSync(own())) copyFileSync(standby, own());
  return startProgram(own(), ['--unclaimed', '60', '--otherwise', 'cold', '--', 'sleep', '60']);
};

async function cold(): Promise<Pod> {
  const pod = await begin();
  sigqueue(pod.pid, standbySignal.coldStart, 0);
  await until('the command runs', () => comm(pod.pid) === 'sleep');
  return pod;
}

const probe = (pod: Pod, ...args: readonly string[]) => {
  const namespaces = [`--target=${pod.pid}`, '--pid', '--mount'];
  return spawnSync('nsenter', [...namespaces, own(), '--probe', ...args], { encoding: 'utf8' }).status;
};

describeAsRoot('the startup probe', () => {
  let server: Server;
  let port: string;
  const seen: (string | undefined)[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      seen.push(request.headers['x-probe'] as string | undefined);
      const codes: Readonly<Record<string, number>> = { '/ok': 200, '/moved': 302, '/loading': 503 };
      response.writeHead(codes[request.url ?? ''] ?? 404);
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, resolve));
    port = String((server.address() as AddressInfo).port);
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it('fails while standby waits and while it is claimed, whatever else answers', async () => {
    const pod = await begin();
    expect(probe(pod, '--', 'true')).toBe(1);
    sigqueue(pod.pid, standbySignal.claim, 60);
    await until('it is claimed', () => comm(pod.pid) === 'standby:claimed');
    expect(probe(pod, '--', 'true')).toBe(1);
  });

  it('passes for a restored worker without asking it', async () => {
    const pod = await begin();
    adopt(pod, await restored(pod, 'exec sleep 30'));
    await isLive(pod);
    expect(probe(pod, '--', 'false')).toBe(0);
  });

  it.each([
    ['nothing was asked', [], 0],
    ['the command of the probe succeeds', ['--', 'true'], 0],
    ['the command of the probe fails', ['--', 'sh', '-c', 'exit 3'], 3],
    ['the command of the probe does not exist', ['--', '/no/such'], 127],
    ['nobody listens', ['--tcp', '1'], 1],
    ['the time to hold is not over', ['--hold', '60'], 1],
    ['the worker answers before that', ['--hold', '60', '--', 'true'], 0],
  ])('of a worker that was started cold, where %s', async (_, args, status) => {
    expect(probe(await cold(), ...args)).toBe(status);
  });

  it('passes when the time to hold is over, though the worker does not answer', async () => {
    const pod = await cold();
    await new Promise((later) => setTimeout(later, 1100));
    expect(probe(pod, '--hold', '1', '--', 'false')).toBe(0);
  });

  it('asks a port and a path as the kubelet does', async () => {
    const pod = await cold();
    const answers = (path: string) => asked(pod, '--http', port, path, '--header', 'X-Probe: yes');
    expect(await answers('/ok')).toBe(0);
    expect(await answers('/moved')).toBe(0);
    expect(await answers('/loading')).toBe(1);
    expect(await answers('/none')).toBe(1);
    expect(seen).toEqual(['yes', 'yes', 'yes', 'yes']);
    expect(await asked(pod, '--tcp', port)).toBe(0);
  });

  it.each([[['--http', '80']], [['--tcp']], [['--']], [['--what', '1']]])('refuses %j', (args) => {
    expect(spawnSync(standby, ['--probe', ...args]).status).toBe(2);
  });
});

/** Without blocking the server that is asked. */
function asked(pod: Pod, ...args: readonly string[]): Promise<number> {
  const child = spawn('nsenter', [`--target=${pod.pid}`, '--pid', '--mount', own(), '--probe', ...args]);
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 1)));
}
