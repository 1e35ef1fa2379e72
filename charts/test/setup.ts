import { ensureHelm } from '../../e2e/cluster/toolchain';

/** Jest loads this by its default export; elsewhere nothing has one. */
module.exports = async function setup(): Promise<void> {
  process.env['HELM'] = await ensureHelm((line) => console.error(line));
};
