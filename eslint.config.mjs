// The rooms of the house and their size, held by lint: imports only point api <- controller <- operator, node-agent, kubectl-snapshot;
// api <- nsrestore.
import tseslint from 'typescript-eslint';

const room = (folder, forbidden, why) => ({
  files: [`${folder}/src/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: [{ group: forbidden.map((f) => `@dynamo-snapshot/${f}/*`), message: why }] },
    ],
  },
});

const pure = [
  '**/decide.ts',
  '**/decide-*.ts',
  '**/args.ts',
  '**/facts.ts',
  '**/plan.ts',
  '**/select.ts',
  '**/job.ts',
  '**/request.ts',
];

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/*.cjs', '**/*.mjs', 'charts/*/templates/**'] },
  ...tseslint.configs.recommended,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_$' }],
      'max-lines': ['error', { max: 250 }],
      complexity: ['error', 16],
      'max-depth': ['error', 3],
      'max-params': ['error', 5],
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'name what you export' },
        { selector: 'TSEnumDeclaration', message: 'use a union of strings' },
      ],
    },
  },
  room(
    'api',
    ['controller', 'operator', 'node-agent', 'nsrestore', 'e2e', 'kubectl-snapshot'],
    'api is the vocabulary; it imports nothing of ours',
  ),
  room(
    'controller',
    ['operator', 'node-agent', 'nsrestore', 'e2e', 'kubectl-snapshot'],
    'controller knows only api',
  ),
  room(
    'operator',
    ['node-agent', 'nsrestore', 'e2e', 'kubectl-snapshot'],
    'the operator decides; it never touches a node',
  ),
  room(
    'node-agent',
    ['operator', 'nsrestore', 'e2e', 'kubectl-snapshot'],
    'an agent agrees with others through api alone',
  ),
  room(
    'nsrestore',
    ['controller', 'operator', 'node-agent', 'e2e', 'kubectl-snapshot'],
    'nsrestore is a program of its own; it knows only api',
  ),
  room(
    'kubectl-snapshot',
    ['operator', 'node-agent', 'nsrestore', 'e2e'],
    'the plugin works through the API server and the programs in the agent image',
  ),
  {
    files: pure,
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: ['node:fs', 'node:fs/promises', 'node:child_process', 'zx', 'koffi'].map((name) => ({
            name,
            message: 'a decision is pure: read before it, act after it',
          })),
        },
      ],
    },
  },
  {
    files: ['**/test/**/*.ts', 'e2e/**/*.ts', '**/testing/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-unused-expressions': 'off' },
  },
);
