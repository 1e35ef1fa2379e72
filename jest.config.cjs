/** Jest runs CJS; Node >= 24.9 with --experimental-vm-modules lets it require the ESM-only packages (client-node 2). */
module.exports = {
  testEnvironment: 'node',
  // What a test shows does not depend on how busy the machine is.
  testTimeout: 60_000,
  testMatch: ['**/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/charts/'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
};
