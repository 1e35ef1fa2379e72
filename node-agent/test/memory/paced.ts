/** A thread that waits for its turn, and says when it has come. */
import { parentPort, workerData } from 'node:worker_threads';
import type { PaceMemory } from '../../src/memory/pace';
import { Pace } from '../../src/memory/pace';

const { memory, row } = workerData as { memory: PaceMemory; row: number };
parentPort?.postMessage('waits');
new Pace(memory).wait(row);
parentPort?.postMessage('goes');
