/** core-*.img: a thread and its registers (criu: images/core.proto, core-x86.proto); pure. */
import protobuf from 'protobufjs';
import { fields, understood } from './fields';
import { readImage } from './image';

/** Fields on the way to what is read: core_entry, thread_core_entry, thread_info_x86, user_x86_fpregs_entry. */
const PATHS = { altStack: [5, 7], xsave: [2, 3, 13] } as const;

const proto = `
syntax = "proto2";
message thread_sas_entry { required uint64 ss_sp = 1; required uint64 ss_size = 2; required uint32 ss_flags = 3; }
message user_x86_xsave_entry { required uint64 xstate_bv = 1; }
`;
const { root } = protobuf.parse(proto, { keepCase: true });
const altStackType = root.lookupType('thread_sas_entry');
const xsaveType = root.lookupType('user_x86_xsave_entry');

/** sigaltstack(2) */
const SS_DISABLE = 2;
/** Tile configuration and tile data (asm/fpu/types.h). */
const TILES = (1 << 17) | (1 << 18);

export interface ThreadState {
  /** Its stack for signals; 0 = none. */
  readonly altStackBytes: number;
  /** It was in the middle of work with AMX tiles, which CRIU does not dump. */
  readonly tilesInUse: boolean;
}

/** Throws ImageInvalid where the bytes are no image of a thread. */
export function threadState(name: string, bytes: Buffer): ThreadState {
  return understood(name, () => {
    const [core] = readImage(name, bytes).messages;
    const altStack = decoded(altStackType, core, PATHS.altStack) as
      { ss_size: { toNumber(): number }; ss_flags: number } | undefined;
    const xsave = decoded(xsaveType, core, PATHS.xsave) as { xstate_bv: { low: number } } | undefined;
    const disabled = altStack === undefined || (altStack.ss_flags & SS_DISABLE) !== 0;
    return {
      altStackBytes: disabled ? 0 : altStack.ss_size.toNumber(),
      tilesInUse: ((xsave?.xstate_bv.low ?? 0) & TILES) !== 0,
    };
  });
}

function decoded(type: protobuf.Type, core: Uint8Array | undefined, path: readonly number[]): unknown {
  const content = path.reduce<Uint8Array | undefined>(
    (message, number) => message && fields(message).find((f) => f.number === number)?.content,
    core,
  );
  return content === undefined ? undefined : type.decode(content);
}

export const isCoreImage = (path: string): boolean => /(^|\/)core-\d+\.img$/.test(path);
