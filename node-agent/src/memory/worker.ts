/** A worker thread: one task at a time. */
import { parentPort } from 'node:worker_threads';
import { explain, reasonOf } from '@dynamo-snapshot/api/errors';
import { perform } from './perform';
import type { Reply, Task } from './task';

parentPort?.on('message', (task: Task) => {
  let reply: Reply;
  try {
    reply = { ok: true, ...perform(task) };
  } catch (error) {
    reply = { ok: false, reason: reasonOf(error, ''), message: explain(error) };
  }
  parentPort?.postMessage(reply);
});
