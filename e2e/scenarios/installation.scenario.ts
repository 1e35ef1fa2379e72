import { VERSION_ANNOTATION } from '@dynamo-snapshot/api/names';
import { FULL_NAME, helm, RELEASE, upgrade } from '../chart';
import type { Finished } from '../kube';
import { Operators } from '../operators';
import { World } from '../world';

const CRD = 'dynamocheckpoints.nvidia.com';

interface Definition {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly versions: readonly { readonly additionalPrinterColumns: readonly object[] }[] };
}

describe('the installation', () => {
  const world = new World();
  const release = world.release(RELEASE);
  const test = (): Promise<Finished> => helm(release, ['test', RELEASE, '--logs', '--timeout', '2m']);

  it('is tested by helm test, which says of each part that it works', async () => {
    const { code, stdout } = await test();
    expect(stdout).toContain('nvidia.com/v1alpha1 serves dynamocheckpoints and snapshotassignments');
    expect(stdout).toContain('the operator is ready (2 of 2)');
    expect(stdout).toContain('an agent is ready on each of 2 nodes');
    expect(stdout).toContain('the store at /checkpoints can be written');
    expect(code).toBe(0);
  });

  it('is tested by helm test, which names the part that does not work', async () => {
    const operators = await Operators.of(world.kube);
    await operators.takeAway();
    try {
      const { code, stdout } = await test();
      expect(stdout).toContain('FAILED 0 of 0 operator pods are ready');
      expect(stdout).toContain('ok     an agent is ready on each of 2 nodes');
      expect(code).not.toBe(0);
    } finally {
      await operators.bringBack();
    }
  });

  it('brings an older CRD to its version when it is upgraded', async () => {
    const { spec } = await world.kube.get<Definition>('crd', CRD);
    const patch = [{ op: 'remove', path: '/spec/versions/0/additionalPrinterColumns/0' }];
    await world.kube.run(['patch', 'crd', CRD, '--type=json', '-p', JSON.stringify(patch)]);
    await world.kube.run(['annotate', '--overwrite', 'crd', CRD, `${VERSION_ANNOTATION}=0.0.1`]);
    const { code, stderr } = await upgrade(release, world.values);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect((await world.kube.get<Definition>('crd', CRD)).spec).toEqual(spec);
  });

  it('does not touch a CRD of the same name that is not its own, says so, and takes it over when told to', async () => {
    await world.kube.run(['annotate', 'crd', CRD, `${VERSION_ANNOTATION}-`]);
    try {
      const { code } = await upgrade(release, world.values);
      expect(code).not.toBe(0);
      expect(await world.kube.run(['logs', `job/${FULL_NAME}-crds`])).toContain('crds.adopt=true');
      const { metadata } = await world.kube.get<Definition>('crd', CRD);
      expect(metadata.annotations?.[VERSION_ANNOTATION]).toBeUndefined();
    } finally {
      const adopted = await upgrade(release, [...world.values, 'crds.adopt=true']);
      expect(adopted).toMatchObject({ code: 0 });
    }
    expect(await upgrade(release, world.values)).toMatchObject({ code: 0 });
  });
});
