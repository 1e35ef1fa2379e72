import { down } from './cluster/cluster';

/** DYNAMO_SNAPSHOT_KEEP=1 leaves the cluster up, to look at what a failed scenario left. */
module.exports = async function teardown(): Promise<void> {
  if (process.env['DYNAMO_SNAPSHOT_KEEP'] === '1') return;
  await down('test', (line) => console.error(line));
};
