import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import { assignmentSpecSchema } from '../src/assignment';
import { checkpointSpecSchema } from '../src/checkpoint';
import { manifestSchema, rootfsIndexSchema } from '../src/manifest';
import { pagesIndexSchema } from '../src/pages';
import { receiptSchema } from '../src/receipt';
import { sealSchema } from '../src/seal';

const ajv = addFormats(new Ajv({ strict: false }));

it.each(
  Object.entries({
    ...{ assignmentSpecSchema, checkpointSpecSchema, manifestSchema, pagesIndexSchema },
    ...{ receiptSchema, rootfsIndexSchema, sealSchema },
  }),
)('%s is a JSON schema', (_, schema) => {
  expect(ajv.validateSchema(schema)).toBe(true);
});

it('sees one that is none', () => {
  expect(ajv.validateSchema({ type: 'strin' })).toBe(false);
});
