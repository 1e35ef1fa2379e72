/** The engine's copy and fill on real process trees, with CRIU but without containers. */
const base = require('../jest.config.cjs');
module.exports = {
  ...base,
  rootDir: '..',
  testMatch: ['<rootDir>/bench/**/*.engine.ts'],
  testTimeout: 600000,
};
