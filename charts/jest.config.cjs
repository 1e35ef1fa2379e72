/** Tests of the charts' templates; they run helm, which the cluster tool builds once into its cache. */
const base = require('../jest.config.cjs');
module.exports = {
  ...base,
  rootDir: '..',
  testMatch: ['<rootDir>/charts/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  globalSetup: '<rootDir>/charts/test/setup.ts',
};
