import { down } from './cluster/cluster';
import { clusterName } from './world';

/** DYNAMO_SNAPSHOT_KEEP=1 leaves the cluster up, to look at what a failed scenario left. */
module.exports = async function teardown(): Promise<void> {
  if (process.env['DYNAMO_SNAPSHOT_KEEP'] === '1') return;
  await down(clusterName, (line) => console.error(line));
};
