/** Validators behind plain functions; what is refused is said with the field's path. */
import type { AssignmentSpec } from './assignment';
import type { CheckpointSpec } from './checkpoint';
import { TerminalError } from './errors';
import type { Manifest, RootfsIndex } from './manifest';
import type { PagesIndex } from './pages';
import type { Receipt } from './receipt';
import type { Seal } from './seal';
import type { SchemaName } from './validators';
import { validatorOf } from './validators';

/** Throws TerminalError(reason) that names every field at fault. */
function checker<T>(name: SchemaName, what: string, reason: string): (value: unknown) => T {
  return (value) => {
    const validate = validatorOf(name);
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

export const checkCheckpointSpec = checker<CheckpointSpec>('checkpointSpec', 'spec', 'InvalidSpec');
export const checkAssignmentSpec = checker<AssignmentSpec>('assignmentSpec', 'spec', 'InvalidSpec');
export const checkManifest = checker<Manifest>('manifest', 'manifest.json', 'ArtifactInvalid');
export const parseManifest = parser(checkManifest, 'manifest.json', 'ArtifactInvalid');
export const parseRootfsIndex = parser(
  checker<RootfsIndex>('rootfsIndex', 'rootfs.json', 'ArtifactInvalid'),
  'rootfs.json',
  'ArtifactInvalid',
);
export const parsePagesIndex = parser(
  checker<PagesIndex>('pagesIndex', 'pages/index.json', 'ArtifactInvalid'),
  'pages/index.json',
  'ArtifactInvalid',
);
export const parseSeal = parser(
  checker<Seal>('seal', 'seal.json', 'ArtifactInvalid'),
  'seal.json',
  'ArtifactInvalid',
);
export const parseReceipt = parser(
  checker<Receipt>('receipt', 'the receipt of nsrestore', 'RestoreFailed'),
  'the receipt of nsrestore',
  'RestoreFailed',
);
