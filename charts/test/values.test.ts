import { readFileSync } from 'node:fs';
import { isMap, isScalar, parse, parseDocument } from 'yaml';
import type { Pair, YAMLMap } from 'yaml';
import { CHART, lint, refusal } from './helm';
import type { Values } from './helm';

describe('helm refuses, and names the field', () => {
  it.each<[string, Values, string]>([
    ['a key that does not exist', { daemonset: { privilaged: true } }, '/daemonset'],
    ['a key that does not exist at the top', { operater: {} }, 'operater'],
    ['a word for a switch', { seccomp: { deploy: 'yes' } }, '/seccomp/deploy'],
    ['a log level that does not exist', { operator: { logLevel: 'loud' } }, '/operator/logLevel'],
    ['another kind of store', { storage: { type: 's3' } }, '/storage/type'],
    ['a size that is none', { storage: { pvc: { size: 'big' } } }, '/storage/pvc/size'],
    ['a path that is relative', { storage: { pvc: { basePath: 'data' } } }, '/storage/pvc/basePath'],
    [
      'an access mode that does not exist',
      { storage: { pvc: { accessMode: 'RWX' } } },
      '/storage/pvc/accessMode',
    ],
    ['another container runtime', { runtime: { type: 'cri-o' } }, '/runtime/type'],
    ['a preset that does not exist', { runtime: { preset: 'k0s' } }, '/runtime/preset'],
    ['a socket with a scheme', { runtime: { socketPath: 'unix:///run/c.sock' } }, '/runtime/socketPath'],
    [
      'a capability with its prefix',
      { daemonset: { capabilities: ['CAP_SYS_ADMIN'] } },
      '/daemonset/capabilities/0',
    ],
    ['a secret that is no object', { imagePullSecrets: ['registry'] }, '/imagePullSecrets/0'],
    [
      'a toleration with a wrong effect',
      { operator: { tolerations: [{ effect: 'No' }] } },
      '/operator/tolerations/0/effect',
    ],
    [
      'memory in words',
      { operator: { resources: { limits: { memory: 'much' } } } },
      '/operator/resources/limits/memory',
    ],
    [
      'an interval without a unit',
      { metrics: { podMonitor: { interval: '30' } } },
      '/metrics/podMonitor/interval',
    ],
    ['another way to the driver', { gpu: { driver: 'apt' } }, '/gpu/driver'],
    ['no time to wait for GPU work', { gpu: { lockTimeoutSeconds: 0 } }, '/gpu/lockTimeoutSeconds'],
    ['another place for memory', { memory: { staging: 'disk' } }, '/memory/staging'],
    ['a key that is a path', { keys: { secretName: 'a', encryptWith: '../a' } }, '/keys/encryptWith'],
    [
      'a pull policy that does not exist',
      { image: { agent: { pullPolicy: 'Sometimes' } } },
      '/image/agent/pullPolicy',
    ],
  ])('%s', (_, values, field) => {
    expect(refusal(values)).toContain(field);
    expect(lint(values).code).not.toBe(0);
  });
});

describe('helm refuses what does not go together, and says why', () => {
  it.each<[string, Values, string]>([
    ['a signature without keys', { keys: { requireSignature: true } }, 'keys.secretName'],
    ['encryption without keys', { keys: { encryptWith: 'new' } }, 'keys.secretName'],
    [
      "the driver's folder for an agent that reaches no device",
      { gpu: { enabled: true, driver: 'hostPath' }, daemonset: { privileged: false } },
      'daemonset.privileged',
    ],
  ])('%s', (_, values, why) => expect(refusal(values)).toContain(why));
});

interface Schema {
  readonly type?: string;
  readonly $ref?: string;
  readonly additionalProperties?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
}

const schema = JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8')) as Schema & {
  readonly $defs: Readonly<Record<string, Schema>>;
};
const resolved = (part: Schema): Schema =>
  part.$ref === undefined ? part : (schema.$defs[part.$ref.replace('#/$defs/', '')] ?? {});
const text = readFileSync(`${CHART}/values.yaml`, 'utf8');

/** Every object that the schema closes, with its path. */
function closed(
  part: Schema,
  path: readonly string[] = [],
): readonly (readonly [readonly string[], Schema])[] {
  const { properties, additionalProperties } = resolved(part);
  if (properties === undefined || additionalProperties !== false) return [];
  const below = Object.entries(properties).flatMap(([name, child]) => closed(child, [...path, name]));
  return [[path, resolved(part)], ...below];
}

describe('values.yaml', () => {
  it('has exactly the keys that the schema knows', () => {
    const values = parse(text) as Record<string, unknown>;
    for (const [path, { properties = {} }] of closed(schema)) {
      const there = path.reduce<unknown>((v, key) => (v as Record<string, unknown>)[key], values) as object;
      // Of Kubernetes' own types any field may be left out; helm adds `global` by itself.
      const own = !['resources', 'affinity'].includes(path.at(-1) ?? '');
      const known = Object.keys(properties).filter((key) => own && key !== 'global');
      expect({
        path,
        keys: Object.keys(there)
          .filter(() => own)
          .sort(),
      }).toEqual({ path, keys: known.sort() });
    }
  });

  it('explains each of them', () => {
    const unexplained: string[] = [];
    const visit = (map: YAMLMap, path: string, explained: boolean): void => {
      (map.items as Pair[]).forEach(({ key, value }, i) => {
        const name = `${path}${String(isScalar(key) ? key.value : key)}`;
        const comment =
          (isScalar(key) ? key.commentBefore : undefined) ?? (i === 0 ? map.commentBefore : undefined);
        const group = isMap(value) && !value.flow && value.items.length > 0 && !/resources$/.test(name);
        if (group) visit(value, `${name}.`, false);
        else if (!comment && !explained) unexplained.push(name);
      });
    };
    const { contents, commentBefore } = parseDocument(text);
    if (!isMap(contents)) throw new Error('values.yaml is no map');
    contents.commentBefore ??= commentBefore;
    visit(contents, '', false);
    expect(unexplained).toEqual([]);
  });
});
