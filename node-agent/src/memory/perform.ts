/** What a thread does when it is asked: takes rows of a table until there are none left. All that it calls is synchronous. */
import { unreachable } from '@dynamo-snapshot/api/errors';
import { populate } from '../linux/memory';
import { BlockTable } from './blocks';
import { Opening } from './opening';
import { Pace } from './pace';
import { Pagemaps } from './present';
import { RowReader } from './reader';
import type { TableMemory } from './table';
import { ChunkTable } from './table';
import type { Done, Dropped, ReadTask, Task } from './task';
import { copyRow, cutShard, openShard, sealRow, storeRow, syncShard } from './writer';

const NOTHING: Done = { dropped: [], faults: [] };

export function perform(task: Task): Done {
  switch (task.do) {
    case 'populate': {
      const { address, length } = task.region;
      if (length > 0 && !populate(address, length)) throw new Error(`the kernel gave no ${length} bytes`);
      return NOTHING;
    }
    case 'open':
      openShard(task.shard, task.path, task.key);
      return NOTHING;
    case 'touch':
      new BlockTable(task.blocks).touch();
      return NOTHING;
    case 'early':
      new BlockTable(task.blocks).copyInto(task.staging);
      return NOTHING;
    case 'early store':
      return { ...NOTHING, dropped: storeEarly(task.table) };
    case 'cut':
      cutShard(task.length);
      return NOTHING;
    case 'copy':
      return { ...NOTHING, dropped: each(task.table, copyRow) };
    case 'store':
      return { ...NOTHING, dropped: each(task.table, storeRow) };
    case 'sync':
      syncShard();
      return NOTHING;
    case 'seal':
      each(task.table, (row, table) => {
        sealRow(row, table, task.files, task.key);
        return [];
      });
      return NOTHING;
    case 'read':
      return { ...NOTHING, faults: read(task) };
    default:
      return unreachable(task);
  }
}

function read(task: ReadTask): readonly string[] {
  const { gate } = task;
  const reader = new RowReader(task);
  const pace = gate && new Pace(gate.pace);
  const opening = gate && new Opening(gate.opening);
  try {
    return each(task.table, (row, table) => {
      pace?.wait(row);
      const faults = reader.read(row, table);
      opening?.did(row);
      return faults;
    });
  } finally {
    reader.close();
    pace?.close();
  }
}

/** What is not whole, or not the process's own, CRIU may not list as a whole either. */
function storeEarly(memory: TableMemory): readonly Dropped[] {
  const pagemaps = new Pagemaps('present', 'own');
  try {
    return each(memory, (row, table) => {
      const [extent] = table.extents(row);
      return extent !== undefined && pagemaps.isWhole(table.pid(row), extent.address)
        ? copyRow(row, table)
        : [];
    });
  } finally {
    pagemaps.close();
  }
}

/** One that fails stops the others: half a copy is no copy. */
function each<T>(memory: TableMemory, work: (row: number, table: ChunkTable) => readonly T[]): readonly T[] {
  const table = new ChunkTable(memory);
  const results: T[] = [];
  try {
    for (let row = table.take(); row !== undefined; row = table.take()) {
      results.push(...work(row, table));
      table.did(table.bytes(row));
    }
    return results;
  } catch (error) {
    table.giveUp();
    throw error;
  }
}
