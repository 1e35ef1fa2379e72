/** Scenarios on a real cluster; brought up once for all of them. */
const base = require('../jest.config.cjs');
module.exports = {
  ...base,
  rootDir: '..',
  testMatch: ['<rootDir>/e2e/scenarios/**/*.scenario.ts'],
  globalSetup: '<rootDir>/e2e/setup.ts',
  globalTeardown: '<rootDir>/e2e/teardown.ts',
  testTimeout: 240000,
  maxWorkers: 1,
};
