// An esbuild plugin: api/src/validators.ts becomes the code of its validators, compiled by ajv while the program is built.
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { buildSync } from 'esbuild';

export const validators = {
  name: 'validators',
  setup(build) {
    build.onLoad({ filter: /\/api\/src\/validators\.ts$/ }, ({ path }) => ({
      contents: compiled(path),
      loader: 'js',
      resolveDir: dirname(path),
    }));
  },
};

function compiled(path) {
  const require = createRequire(resolve(path));
  const { outputFiles } = buildSync({
    entryPoints: [path],
    ...{ bundle: true, write: false, platform: 'node', format: 'cjs', external: ['ajv', 'ajv-formats'] },
  });
  const module = { exports: {} };
  new Function('module', 'exports', 'require', outputFiles[0].text)(module, module.exports, require);
  const { compiler, schemas } = module.exports;
  const ajv = compiler(true);
  // ajv-formats says it too, but in the terms of whichever ajv it has found for itself.
  ajv.opts.code.formats = require('ajv')._`require("ajv-formats/dist/formats").fullFormats`;
  for (const [name, schema] of Object.entries(schemas)) ajv.addSchema(schema, name);
  const names = Object.fromEntries(Object.keys(schemas).map((name) => [name, name]));
  const code = require('ajv/dist/standalone').default(ajv, names);
  return `${code}\nexports.validatorOf = (name) => exports[name];\n`;
}
