/** The program of placeholders, as this operator's image has it, and the name of the ConfigMap that holds it (docs/adr/0046). */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { during } from '@dynamo-snapshot/api/errors';
import { standbyConfigMap } from '@dynamo-snapshot/api/names';

export interface Program {
  /** Of the ConfigMap. */
  readonly name: string;
  /** Base64, as a ConfigMap has it in binaryData. */
  readonly content: string;
}

export function programOf(bytes: Buffer): Program {
  const digest = createHash('sha256').update(bytes).digest('hex');
  return { name: standbyConfigMap(digest), content: bytes.toString('base64') };
}

export const readProgram = (path: string): Promise<Program> =>
  during(`read the program of placeholders ${path}`, () => Promise.resolve(programOf(readFileSync(path))));
