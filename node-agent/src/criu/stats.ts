/** stats-dump of an image folder: how long CRIU kept the tree frozen (criu: images/stats.proto). */
import protobuf from 'protobufjs';
import { understood } from './fields';

const proto = `
syntax = "proto2";
message dump_stats_entry { required uint32 freezing_time = 1; required uint32 frozen_time = 2; }
message stats_entry { optional dump_stats_entry dump = 1; }
`;

/** Two magic numbers, then the length of the message (criu: images/image.proto, magic.h). */
const HEADER_BYTES = 12;

/** Seconds from the begin of the freeze until the tree ran again; undefined where the file says nothing. */
export const frozenSeconds = (stats: Buffer): number | undefined =>
  understood('stats-dump', () => frozenIn(stats));

function frozenIn(stats: Buffer): number | undefined {
  const type = protobuf.parse(proto, { keepCase: true }).root.lookupType('stats_entry');
  const length = stats.readUInt32LE(HEADER_BYTES - 4);
  const { dump } = type.toObject(type.decode(stats.subarray(HEADER_BYTES, HEADER_BYTES + length))) as {
    dump?: { freezing_time: number; frozen_time: number };
  };
  return dump === undefined ? undefined : (dump.freezing_time + dump.frozen_time) / 1e6;
}
