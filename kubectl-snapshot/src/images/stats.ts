/** Where CRIU's own time went (stats-dump), in seconds. */
import { decodeAll } from './codec';
import type { Images } from './files';
import { PAGE_BYTES } from './memory';

export interface DumpStats {
  readonly freezingSeconds: number;
  readonly frozenSeconds: number;
  readonly memoryDumpSeconds: number;
  readonly memoryWriteSeconds: number;
  readonly scannedBytes: number;
  readonly writtenBytes: number;
}

const MICROSECONDS = 1e6;

export function dumpStats(images: Images): DumpStats | undefined {
  const image = images.get('stats-dump');
  const dump = image === undefined ? undefined : decodeAll('stats_entry', 'stats-dump', image)[0]?.dump;
  if (dump === undefined) return undefined;
  return {
    freezingSeconds: dump.freezing_time / MICROSECONDS,
    frozenSeconds: dump.frozen_time / MICROSECONDS,
    memoryDumpSeconds: dump.memdump_time / MICROSECONDS,
    memoryWriteSeconds: dump.memwrite_time / MICROSECONDS,
    scannedBytes: dump.pages_scanned * PAGE_BYTES,
    writtenBytes: dump.pages_written * PAGE_BYTES,
  };
}
