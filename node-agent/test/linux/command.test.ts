import { command } from '../../src/linux/command';

const limit = { deadlineMs: 10_000 };
const sh = (script: string) => ['sh', '-c', script];

describe('command', () => {
  it('gives exit status and both outputs', async () => {
    await expect(command(sh('echo out; echo err >&2; exit 3'), limit)).resolves.toEqual({
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  it('passes no environment but the one it is given', async () => {
    const { stdout } = await command(['/usr/bin/env'], { ...limit, env: { ONLY: 'this' } });
    // sh adds where it is (POSIX, PWD).
    expect(stdout.replace(/^PWD=.*\n/m, '')).toBe('ONLY=this\n');
  });

  it('tells stderr while the program runs', async () => {
    const heard: string[] = [];
    await command(sh('echo one >&2'), { ...limit, onStderr: (text) => heard.push(text) });
    expect(heard.join('')).toBe('one\n');
  });

  it('says 124 when the deadline has passed, and ends the helpers of the program too', async () => {
    const started = Date.now();
    const { code } = await command(sh('sleep 30 & sleep 30'), { deadlineMs: 200 });
    expect(code).toBe(124);
    expect(Date.now() - started).toBeLessThan(5_000);
  });

  it('ends the group when it is asked to stop, whoever else holds its pipes', async () => {
    const stop = new AbortController();
    const started = Date.now();
    // setsid: out of the group, as CRIU below nsrestore is; it says who it is when it is out.
    const script = `setsid sh -c 'echo $$ >&2; exec sleep 20' & sleep 20`;
    let outsider = 0;
    const onStderr = (text: string) => {
      outsider = Number(text);
      stop.abort();
    };
    const { code } = await command(sh(script), {
      signal: stop.signal,
      env: { PATH: '/bin:/usr/bin' },
      onStderr,
    });
    expect(code).toBe(137);
    expect(Date.now() - started).toBeLessThan(10_000);
    process.kill(outsider, 'SIGKILL');
  });

  it('begins nothing that lives on when it was asked to stop before', async () => {
    const stop = AbortSignal.abort();
    expect((await command(sh('sleep 20'), { signal: stop })).code).toBe(137);
  });

  it('fails when there is no such program', async () => {
    await expect(command(['/nonexistent/program'], limit)).rejects.toThrow('run /nonexistent/program');
  });
});
