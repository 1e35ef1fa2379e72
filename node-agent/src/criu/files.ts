/** files.img: a regular file more (criu: images/fdinfo.proto, regfile.proto); pure. */
import protobuf from 'protobufjs';
import { understood } from './fields';
import { readImage, writeImage } from './image';

const proto = `
syntax = "proto2";
message fown_entry {
  required uint32 uid = 1; required uint32 euid = 2; required uint32 signum = 3; required uint32 pid_type = 4; required uint32 pid = 5;
}
message reg_file_entry {
  required uint32 id = 1; required uint32 flags = 2; required uint64 pos = 3; required fown_entry fown = 5; required string name = 6;
}
message file_entry { required uint32 type = 1; required uint32 id = 2; optional reg_file_entry reg = 3; }
message any_file { required uint32 id = 2; }
`;
const { root } = protobuf.parse(proto, { keepCase: true });
const fileType = root.lookupType('file_entry');
const anyType = root.lookupType('any_file');

/** fd_types.REG */
const REGULAR = 1;
const O_RDWR = 2;

export interface WithFile {
  readonly bytes: Buffer;
  /** By which areas of memory refer to it. */
  readonly id: number;
}

/** Never opened by its name: its descriptor is handed to CRIU under it (`--inherit-fd`). */
export const withFile = (image: string, bytes: Buffer, name: string): WithFile =>
  understood(image, () => {
    const { magic, messages } = readImage(image, bytes);
    const ids = messages.map((message) => (anyType.toObject(anyType.decode(message)) as { id: number }).id);
    const id = Math.max(0, ...ids) + 1;
    const fown = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 };
    const entry = { type: REGULAR, id, reg: { id, flags: O_RDWR, pos: 0, fown, name: `/${name}` } };
    const added = Buffer.from(fileType.encode(fileType.fromObject(entry)).finish());
    return { id, bytes: writeImage({ magic, messages: [...messages, added] }) };
  });
