/** Real engines on a real cluster: minutes, and gigabytes of memory (docs/engines). */
const base = require('../jest.config.cjs');
module.exports = {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/e2e/engines/**/*.scenario.ts'],
  globalSetup: '<rootDir>/e2e/engines/setup.ts',
  testTimeout: 900000,
};
