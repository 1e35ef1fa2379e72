/** seal.json beside the manifest: what vouches for it. */
import type { FromSchema } from 'json-schema-to-ts';

export const sealSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['version', 'manifest'],
  properties: {
    version: { const: 1 },
    /** Digest of manifest.json. */
    manifest: { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' },
    signature: {
      type: 'object',
      additionalProperties: false,
      required: ['keyId', 'value'],
      properties: {
        keyId: { type: 'string', pattern: '^[0-9a-f]{16}$' },
        /** Ed25519 over the bytes of manifest.json, in base64. */
        value: { type: 'string', pattern: '^[A-Za-z0-9+/]{86}==$' },
      },
    },
  },
} as const;

export type Seal = FromSchema<typeof sealSchema>;
