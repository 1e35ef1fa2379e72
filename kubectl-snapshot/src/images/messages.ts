/**
 * What `inspect` reads of CRIU's images: the fields that it shows, with the numbers and types of criu's images/*.proto. Fields that
 * are not named here are skipped by the decoder, so newer images can be read too.
 */
import protobuf from 'protobufjs';

const proto = `
syntax = "proto2";
message inventory_entry { required uint32 img_version = 1; optional uint64 dump_uptime = 8; }
message pstree_entry {
  required uint32 pid = 1; required uint32 ppid = 2; required uint32 pgid = 3; required uint32 sid = 4; repeated uint32 threads = 5;
}
message task_core_entry { required uint32 task_state = 1; required uint32 exit_code = 2; required string comm = 6; }
message core_entry { optional task_core_entry tc = 3; }
message task_kobj_ids_entry {
  required uint32 vm_id = 1; required uint32 files_id = 2; required uint32 fs_id = 3; required uint32 sighand_id = 4;
  optional uint32 mnt_ns_id = 9;
}
message fs_entry { required uint32 cwd_id = 1; required uint32 root_id = 2; }
message vma_entry {
  required uint64 start = 1; required uint64 end = 2; required uint64 pgoff = 3; required uint64 shmid = 4;
  required uint32 prot = 5; required uint32 flags = 6; required uint32 status = 7; required sint64 fd = 8;
  optional uint64 madv = 9;
}
message mm_entry { required uint32 exe_file_id = 12; repeated vma_entry vmas = 14; }
message pagemap_head { required uint32 pages_id = 1; }
message pagemap_entry {
  required uint64 vaddr = 1; optional uint32 compat_nr_pages = 2; optional uint32 flags = 4; optional uint64 nr_pages = 5;
}
message fdinfo_entry { required uint32 id = 1; required uint32 flags = 2; required uint32 type = 3; required uint32 fd = 4; }
message reg_file_entry { required uint32 id = 1; required uint64 pos = 3; required string name = 6; optional uint64 size = 8; }
message pipe_entry { required uint32 id = 1; required uint32 pipe_id = 2; }
message inet_sk_entry {
  required uint32 id = 1; required uint32 family = 3; required uint32 type = 4; required uint32 proto = 5; required uint32 state = 6;
  required uint32 src_port = 7; required uint32 dst_port = 8; repeated uint32 src_addr = 11; repeated uint32 dst_addr = 12;
}
message unix_sk_entry {
  required uint32 id = 1; required uint32 ino = 2; required uint32 type = 3; required uint32 state = 4; required uint32 peer = 8;
  required bytes name = 11;
}
message memfd_file_entry { required uint32 id = 1; required uint32 inode_id = 5; }
message memfd_inode_entry { required uint32 shmid = 5; required uint64 inode_id = 7; }
message file_entry {
  required uint32 type = 1; required uint32 id = 2; optional reg_file_entry reg = 3; optional inet_sk_entry isk = 4;
  optional unix_sk_entry usk = 16; optional pipe_entry pipe = 18;
  optional memfd_file_entry memfd = 20;
}
message mnt_entry {
  required uint32 fstype = 1; required uint32 mnt_id = 2; required uint32 root_dev = 3; required uint32 parent_mnt_id = 4;
  required string root = 6; required string mountpoint = 7; required string source = 8; required string options = 9;
  optional bool ext_mount = 13; optional string fsname = 14; optional string ext_key = 18;
}
message dump_stats_entry {
  required uint32 freezing_time = 1; required uint32 frozen_time = 2; required uint32 memdump_time = 3;
  required uint32 memwrite_time = 4; required uint64 pages_scanned = 5; required uint64 pages_written = 7;
}
message stats_entry { optional dump_stats_entry dump = 1; }
`;

export interface Inventory {
  readonly img_version: number;
}

export interface PstreeEntry {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  readonly threads: readonly number[];
}

export interface CoreEntry {
  readonly tc?: { readonly task_state: number; readonly exit_code: number; readonly comm: string };
}

export interface IdsEntry {
  readonly files_id: number;
  readonly mnt_ns_id?: number;
}

export interface FsEntry {
  readonly cwd_id: number;
  readonly root_id: number;
}

/** Addresses are below 2^53 for every mapping of user space on x86_64 but the vsyscall page, which nobody counts. */
export interface VmaEntry {
  readonly start: number;
  readonly end: number;
  /** In bytes. */
  readonly pgoff: number;
  /** A file's id for mapped files, an id of shared memory else. */
  readonly shmid: number;
  readonly prot: number;
  readonly flags: number;
  readonly status: number;
  /** Advice of madvise(2), a bit each. */
  madv?: number;
}

export interface MmEntry {
  readonly exe_file_id: number;
  readonly vmas: readonly VmaEntry[];
}

/** CRIU before 4.2 has the count in field 2. */
export interface PagemapEntry {
  readonly vaddr: number;
  readonly nr_pages?: number;
  readonly compat_nr_pages?: number;
  readonly flags?: number;
}

export interface FdinfoEntry {
  readonly id: number;
  readonly type: number;
  readonly fd: number;
}

export interface InetSocketEntry {
  readonly family: number;
  readonly type: number;
  readonly state: number;
  readonly src_port: number;
  readonly dst_port: number;
  readonly src_addr: readonly number[];
  readonly dst_addr: readonly number[];
}

export interface UnixSocketEntry {
  readonly ino: number;
  readonly type: number;
  readonly state: number;
  readonly peer: number;
  readonly name: Uint8Array;
}

export interface FileEntry {
  readonly type: number;
  readonly id: number;
  readonly reg?: { readonly name: string; readonly pos: number; readonly size?: number };
  readonly isk?: InetSocketEntry;
  readonly usk?: UnixSocketEntry;
  readonly pipe?: { readonly pipe_id: number };
  readonly memfd?: { readonly inode_id: number };
}

export interface MemfdInode {
  readonly shmid: number;
  readonly inode_id: number;
}

export interface MountEntry {
  readonly fstype: number;
  readonly mnt_id: number;
  readonly parent_mnt_id: number;
  readonly root: string;
  readonly mountpoint: string;
  readonly source: string;
  readonly ext_mount?: boolean;
  readonly fsname?: string;
  readonly ext_key?: string;
}

export interface StatsEntry {
  readonly dump?: {
    readonly freezing_time: number;
    readonly frozen_time: number;
    readonly memdump_time: number;
    readonly memwrite_time: number;
    readonly pages_scanned: number;
    readonly pages_written: number;
  };
}

/** Message name -> what a decoded one looks like. */
export interface Messages {
  readonly inventory_entry: Inventory;
  readonly pstree_entry: PstreeEntry;
  readonly core_entry: CoreEntry;
  readonly task_kobj_ids_entry: IdsEntry;
  readonly fs_entry: FsEntry;
  readonly mm_entry: MmEntry;
  readonly pagemap_head: { readonly pages_id: number };
  readonly pagemap_entry: PagemapEntry;
  readonly fdinfo_entry: FdinfoEntry;
  readonly file_entry: FileEntry;
  readonly memfd_inode_entry: MemfdInode;
  readonly mnt_entry: MountEntry;
  readonly stats_entry: StatsEntry;
}

export type MessageName = keyof Messages;

let root: protobuf.Root | undefined;

export const typeOf = (name: MessageName): protobuf.Type =>
  (root ??= protobuf.parse(proto, { keepCase: true }).root).lookupType(name);
