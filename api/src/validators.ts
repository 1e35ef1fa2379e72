/**
 * The compiled validators. A program that lives for one operation would spend a tenth of its time on compiling them: in what is shipped
 * they are made when it is built, and this module is replaced by them (scripts/validators.mjs); here they are made when first needed.
 */
import type { ValidateFunction } from 'ajv';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import { assignmentSpecSchema } from './assignment';
import { checkpointSpecSchema } from './checkpoint';
import { manifestSchema, rootfsIndexSchema } from './manifest';
import { pagesIndexSchema } from './pages';
import { receiptSchema } from './receipt';
import { sealSchema } from './seal';

export const schemas = {
  checkpointSpec: checkpointSpecSchema,
  assignmentSpec: assignmentSpecSchema,
  manifest: manifestSchema,
  rootfsIndex: rootfsIndexSchema,
  pagesIndex: pagesIndexSchema,
  seal: sealSchema,
  receipt: receiptSchema,
} as const;
export type SchemaName = keyof typeof schemas;

/** A test checks the schemas themselves. `source`: keeps the code, to be written out. */
export const compiler = (source = false): Ajv =>
  addFormats(
    new Ajv({
      allErrors: true,
      strict: false,
      formats: { int32: true, int64: true },
      validateSchema: false,
      code: { source, optimize: source },
    }),
  );

let ajv: Ajv | undefined;
const compiled = new Map<SchemaName, ValidateFunction>();

export function validatorOf(name: SchemaName): ValidateFunction {
  ajv ??= compiler();
  const validate = compiled.get(name) ?? ajv.compile(schemas[name]);
  compiled.set(name, validate);
  return validate;
}
