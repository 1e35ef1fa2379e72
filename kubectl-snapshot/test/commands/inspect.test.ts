import { join } from 'node:path';
import { exitCode } from '../../src/exit';
import { Stage } from '../stage';

const folder = join(__dirname, '../images/worker');

describe('inspect of a folder of CRIU images', () => {
  const stage = new Stage();

  it('shows the tree', async () => {
    const { out } = await stage.run(['inspect', folder]);
    expect(out.replace(folder, 'DIR')).toMatchInlineSnapshot(`
     "Name:        DIR
     Stood still: 0.04s

     Processes
     [1] sleep  /bin/busybox  64Ki
     ├─ [21] nc  /bin/busybox  64Ki
     └─ [22] sh  /bin/busybox  76Ki
        ├─ [23] sleep  /bin/busybox  68Ki
        └─ [24] sleep  /bin/busybox  64Ki
     "
    `);
  });

  it('shows what is asked for', async () => {
    const { out } = await stage.run(['inspect', folder, '--sockets', '--mounts', '--timings']);
    expect(out.slice(out.indexOf('Sockets'))).toMatchInlineSnapshot(`
     "Sockets
     PID  NAME  FD  PROTOCOL  STATE   LOCAL      REMOTE
     21   nc    5   tcp6      listen  [::]:8000  [::]:*

     Mounts
     MOUNT POINT  TYPE   SOURCE  TAKEN FROM
     /            tmpfs  app     the dump
     /data        tmpfs  data    the dump
     /proc        proc   proc    the dump

     Timings
     STEP                TIME
     criu: freezing      0.00s
     criu: frozen        0.03s
     criu: memory dump   0.00s
     criu: memory write  0.00s
     "
    `);
  });

  it('gives programs everything', async () => {
    const { processes, mounts, criu } = JSON.parse(
      (await stage.run(['inspect', folder, '-o', 'json'])).out,
    ) as Record<string, unknown>;
    expect(processes).toHaveLength(1);
    expect(mounts).toHaveLength(3);
    expect(criu).toMatchObject({ writtenBytes: 344064 });
  });

  it('of a folder that is no dump says so', async () => {
    expect(await stage.run(['inspect', './kubectl-snapshot'])).toMatchObject({
      code: exitCode.failed,
      err: 'error: ./kubectl-snapshot holds no dump: there is no pstree.img in it or in its criu folder\n',
    });
  });
});
