/** Validators behind plain functions; what is refused is said with the field's path. */
import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import type { AssignmentSpec } from './assignment';
import { assignmentSpecSchema } from './assignment';
import type { CheckpointSpec } from './checkpoint';
import { checkpointSpecSchema } from './checkpoint';
import { TerminalError } from './errors';
import type { Manifest, RootfsIndex } from './manifest';
import { manifestSchema, rootfsIndexSchema } from './manifest';
import type { PagesIndex } from './pages';
import { pagesIndexSchema } from './pages';
import type { Receipt } from './receipt';
import { receiptSchema } from './receipt';
import type { Seal } from './seal';
import { sealSchema } from './seal';

/**
 * Programs that live for one operation compile these, so what is not needed is left out: the check of the schemas themselves, which a test
 * does, and the passes that make the code smaller. It takes half the time.
 */
const ajv = addFormats(
  new Ajv({
    allErrors: true,
    strict: false,
    formats: { int32: true, int64: true },
    validateSchema: false,
    code: { optimize: false },
  }),
);

/** Throws TerminalError(reason) that names every field at fault. */
function checker<T>(schema: object, what: string, reason: string): (value: unknown) => T {
  let validate: ReturnType<typeof ajv.compile> | undefined;
  return (value) => {
    validate ??= ajv.compile(schema);
    if (validate(value)) return value as T;
    const faults = (validate.errors ?? []).map(
      (e) => `${e.instancePath || '/'} ${e.message ?? 'is not valid'}`,
    );
    throw new TerminalError(reason, `${what} is not valid: ${faults.join('; ')}`);
  };
}

function parser<T>(check: (value: unknown) => T, what: string, reason: string): (text: string) => T {
  return (text) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new TerminalError(reason, `${what} is not JSON`, { cause });
    }
    return check(value);
  };
}

export const checkCheckpointSpec = checker<CheckpointSpec>(checkpointSpecSchema, 'spec', 'InvalidSpec');
export const checkAssignmentSpec = checker<AssignmentSpec>(assignmentSpecSchema, 'spec', 'InvalidSpec');
export const checkManifest = checker<Manifest>(manifestSchema, 'manifest.json', 'ArtifactInvalid');
export const parseManifest = parser(checkManifest, 'manifest.json', 'ArtifactInvalid');
export const parseRootfsIndex = parser(
  checker<RootfsIndex>(rootfsIndexSchema, 'rootfs.json', 'ArtifactInvalid'),
  'rootfs.json',
  'ArtifactInvalid',
);
export const parsePagesIndex = parser(
  checker<PagesIndex>(pagesIndexSchema, 'pages/index.json', 'ArtifactInvalid'),
  'pages/index.json',
  'ArtifactInvalid',
);
export const parseSeal = parser(
  checker<Seal>(sealSchema, 'seal.json', 'ArtifactInvalid'),
  'seal.json',
  'ArtifactInvalid',
);
export const parseReceipt = parser(
  checker<Receipt>(receiptSchema, 'the receipt of nsrestore', 'RestoreFailed'),
  'the receipt of nsrestore',
  'RestoreFailed',
);
