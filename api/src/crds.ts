/** The CustomResourceDefinitions, built of the same constants as the types. */
import { assignmentSpecSchema, assignmentStatusSchema } from './assignment';
import { checkpointSpecSchema, checkpointStatusSchema } from './checkpoint';
import { ASSIGNMENT, CHECKPOINT, GROUP, VERSION, VERSION_ANNOTATION } from './names';
import product from '../package.json';

interface Column {
  readonly name: string;
  readonly type: 'string' | 'date' | 'integer';
  readonly jsonPath: string;
  readonly priority?: number;
}

interface Rule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}

const column = (name: string, jsonPath: string, priority?: number): Column => ({
  name,
  type: 'string',
  jsonPath,
  ...(priority === undefined ? {} : { priority }),
});

const age: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

const withRules = (schema: object, rules: readonly Rule[]): object => ({
  ...schema,
  'x-kubernetes-validations': rules,
});

const identityImmutable: Rule = {
  rule: 'self == oldSelf',
  message: 'spec.identity is immutable after creation',
};

const checkpointSpec = withRules(
  {
    ...checkpointSpecSchema,
    properties: {
      ...checkpointSpecSchema.properties,
      identity: withRules(checkpointSpecSchema.properties.identity, [identityImmutable]),
      source: withRules(checkpointSpecSchema.properties.source, [
        {
          rule: 'has(self.podName) != has(self.selector)',
          message: 'spec.source needs exactly one of podName and selector',
        },
      ]),
    },
  },
  [
    {
      rule: 'has(self.job) != has(self.source)',
      message: 'exactly one of spec.job and spec.source must be set',
    },
    {
      rule: 'has(self.job) == has(oldSelf.job)',
      message: 'spec.job and spec.source cannot be exchanged after creation',
    },
  ],
);

/** An agent may have read them already. */
const settledIfSet = Object.keys(assignmentSpecSchema.properties).filter(
  (f) => f !== 'cancelled' && !assignmentSpecSchema.required.some((r) => r === f),
);

const assignmentSpec = withRules(assignmentSpecSchema, [
  {
    rule: assignmentSpecSchema.required
      .map((field) => `self.${field} == oldSelf.${field}`)
      .concat(
        settledIfSet.map(
          (f) => `has(self.${f}) == has(oldSelf.${f}) && (!has(self.${f}) || self.${f} == oldSelf.${f})`,
        ),
      )
      .join(' && '),
    message: 'spec is immutable, but for spec.cancelled',
  },
  {
    rule: "self.operation in ['Delete', 'Retain'] || (has(self.pod) && has(self.container))",
    message: 'spec.pod and spec.container are required, but for Delete and Retain',
  },
  {
    rule: "self.operation == 'Restore' || !has(self.container) || has(self.container.id)",
    message: 'spec.container.id is required, but for Restore',
  },
  {
    rule: "self.operation in ['ColdStart', 'Fail'] || has(self.artifact)",
    message: 'spec.artifact is required, but for ColdStart and Fail',
  },
]);

/** Whoever ends an assignment first has ended it: an agent that comes back does not take the verdict back. */
const assignmentStatus = withRules(assignmentStatusSchema, [
  {
    rule: "!has(oldSelf.phase) || !(oldSelf.phase in ['Succeeded', 'Failed', 'Cancelled']) || (has(self.phase) && self.phase == oldSelf.phase)",
    message: 'a final phase stays',
  },
]);

export const checkpointCrd = crd({
  names: CHECKPOINT,
  spec: checkpointSpec,
  status: checkpointStatusSchema,
  columns: [
    column('Model', '.spec.identity.model'),
    column('Backend', '.spec.identity.backendFramework'),
    column('Phase', '.status.phase'),
    column('Progress', '.status.progress.summary'),
    column('Size', '.status.artifact.size'),
    column('Hash', '.status.identityHash'),
    column('Node', '.status.source.nodeName', 1),
    column('Message', '.status.message', 1),
    age,
  ],
});

export const assignmentCrd = crd({
  names: ASSIGNMENT,
  spec: assignmentSpec,
  status: assignmentStatus,
  selectableFields: ['.spec.nodeName'],
  columns: [
    column('Operation', '.spec.operation'),
    column('Pod', '.spec.pod.name'),
    column('Node', '.spec.nodeName'),
    column('Phase', '.status.phase'),
    column('Progress', '.status.progress.summary'),
    column('Step', '.status.step', 1),
    column('Reason', '.status.reason', 1),
    column('Message', '.status.message', 1),
    age,
  ],
});

interface CrdParts {
  readonly names: typeof CHECKPOINT | typeof ASSIGNMENT;
  readonly spec: object;
  readonly status: object;
  readonly columns: readonly Column[];
  readonly selectableFields?: readonly string[];
}

function crd({ names, spec, status, columns, selectableFields = [] }: CrdParts) {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${names.plural}.${GROUP}`,
      annotations: { [VERSION_ANNOTATION]: product.version },
    },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {
        kind: names.kind,
        listKind: `${names.kind}List`,
        plural: names.plural,
        singular: names.singular,
        shortNames: names.shortNames,
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          ...(selectableFields.length > 0
            ? { selectableFields: selectableFields.map((jsonPath) => ({ jsonPath })) }
            : {}),
          schema: {
            openAPIV3Schema: {
              type: 'object',
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec,
                status,
              },
            },
          },
        },
      ],
    },
  };
}
