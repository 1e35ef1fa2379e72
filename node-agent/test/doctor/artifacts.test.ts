import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { artifactsIn } from '../../src/doctor/artifacts';

const UID = '11111111-2222-3333-4444-555555555555';
const HASH = '0123456789abcdef';

describe('the artifacts that a node sees', () => {
  const dir = mkdtempSync(join(tmpdir(), 'artifacts-'));
  const at = (...parts: string[]) => join(dir, ...parts);
  const other = UID.replace(/^1/, '2');
  beforeAll(() => {
    for (const uid of [UID, other, `.staging-${UID}`])
      mkdirSync(at('store', 'default', HASH, uid), { recursive: true });
    for (const name of ['.trash', 'lost+found']) mkdirSync(at('store', name, HASH, UID), { recursive: true });
    mkdirSync(at('empty'));
    writeFileSync(at('file'), '');
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it('are those that are published', () => {
    expect(artifactsIn(at('store'))).toEqual({
      artifacts: [`default/${HASH}/${UID}`, `default/${HASH}/${other}`],
    });
    expect(artifactsIn(at('empty'))).toEqual({ artifacts: [] });
  });

  it('are not all where there are too many to tell', () => {
    expect(artifactsIn(at('store'), 1)).toEqual({
      artifacts: [`default/${HASH}/${UID}`],
      storeUnknown: 'it has 2 artifacts, and only 1 are told',
    });
  });

  it.each(['file', 'missing'])('are unknown where the store cannot be read (%s)', (store) => {
    expect(artifactsIn(at(store))).toEqual({
      artifacts: [],
      storeUnknown: expect.stringMatching(/ENOTDIR|ENOENT/),
    });
  });
});
