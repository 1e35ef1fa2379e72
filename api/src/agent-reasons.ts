/** Reasons with which an agent, its engine or nsrestore ends an operation (TerminalError); see reasons.ts. */
import type { Advice } from './reasons';

const report = 'This should not happen: report it with the log of the agent.';
const again = 'Create the checkpoint again.';
const byHand = 'Of the command line: it says how it is used.';

export const agentReasons: Readonly<Record<string, Advice>> = {
  PreflightFailed: {
    meaning:
      'The container cannot be captured as it is; every reason is in the message. Nothing was touched.',
    remedy:
      'Each reason says what to do: deny io_uring, close a file, relax a probe, make room in the store.',
  },
  NothingToCapture: {
    meaning: 'The container is a placeholder without a worker in it.',
    remedy: 'Capture it after it was restored or has started.',
  },
  ContainerGone: {
    meaning: 'The container ended while it was worked on.',
    remedy: 'See why it ended (kubectl describe pod). A new container is restored by itself.',
  },
  PodGone: {
    meaning: 'The pod was deleted before the work began.',
    remedy: 'Nothing; a new pod gets work of its own.',
  },
  PodElsewhere: {
    meaning: 'The pod of that name is another one, or runs on another node.',
    remedy: 'Nothing; it gets work of its own.',
  },
  DumpFailed: {
    meaning:
      'CRIU could not dump the process tree; its own words are in the message. The source goes on serving.',
    remedy: 'See docs/criu.md for what CRIU cannot dump.',
  },
  TilesInUse: {
    meaning:
      'A thread was in the midst of work with AMX tiles of the processor, which CRIU does not dump. The source goes on serving.',
    remedy:
      'Capture again; a server that is always busy has to be at rest: spec.quiesce, or the hooks of its engine (docs/engines).',
  },
  StoodStillTooLong: {
    meaning:
      'The source stood still for longer than it may; the capture was given up and the source goes on.',
    remedy: 'Relax its livenessProbe; docs/criu.md says how long a capture takes.',
  },
  RuntimeUnclear: {
    meaning: 'The container runtime describes the container in a way that is not understood.',
    remedy: 'The message says what; containerd 1.6 or newer is needed.',
  },
  CriuUnusable: {
    meaning: 'CRIU does not start on that node.',
    remedy: 'The kernel must be 5.12 or newer, x86_64; see the message.',
  },
  NoFreezer: {
    meaning: 'The cgroups of the container have no freezer that the agent can reach.',
    remedy: 'Check that /sys/fs/cgroup of the host is mounted into the agent.',
  },
  RootfsUnsupported: {
    meaning: 'The changed files of the container cannot be told from its upper directory alone.',
    remedy: 'The message names the file. Keep such files on a volume.',
  },
  RootfsUnsafe: {
    meaning: 'An artifact asks for a file outside of the root of the container, or through a link.',
    remedy: 'Do not use that artifact: it was not made by a capture.',
  },
  FilesUnsafe: {
    meaning: 'A path in the container leads through a link, so that another file would be read.',
    remedy: 'Mount the volume at a path without links.',
  },
  ArtifactNotFound: {
    meaning: 'The store has no such artifact.',
    remedy:
      'Check that every agent mounts the same volume (ReadWriteMany); else create the checkpoint again.',
  },
  ArtifactExists: { meaning: 'An artifact of that name is in the store already.', remedy: again },
  ArtifactInvalid: { meaning: 'The manifest or index of the artifact is not readable.', remedy: again },
  ArtifactMismatch: {
    meaning: 'The artifact in the store is another one than the checkpoint names.',
    remedy: again,
  },
  ArtifactDamaged: {
    meaning: 'A part of the artifact has not the content that its manifest says. The restore was stopped.',
    remedy: `Check the store; engine verify DIR names the files. ${again}`,
  },
  KeyMissing: {
    meaning: 'The node has not the key that is asked for, or that the artifact was encrypted with.',
    remedy: 'Put the key into the secret of keys; keep old keys there as long as artifacts need them.',
  },
  KeyInvalid: {
    meaning: 'A key has another length or format.',
    remedy: 'The message names the file and what it must be.',
  },
  SignatureRefused: {
    meaning:
      'The artifact is not signed by a key that this release trusts, or was changed after it was signed.',
    remedy: 'Trust the key of the one who captured it, or capture again.',
  },
  ImageInvalid: {
    meaning: 'An image file of CRIU is torn or of a kind that is not known.',
    remedy: `Check the store. ${again}`,
  },
  SplitUnproven: {
    meaning: 'The parallel copy of the memory did not prove to be complete.',
    remedy: 'The agent lets CRIU write the memory itself; if the capture failed all the same, report it.',
  },
  RestoreRefused: {
    meaning:
      'The artifact does not fit the pod or the node; every reason is in the message. No process was created.',
    remedy:
      'Use the image, mounts and memory of the source; put a damaged artifact right by capturing again.',
  },
  RestoreUnproven: {
    meaning: 'CRIU said that it was done, but what runs is not what was dumped. It was ended.',
    remedy: report,
  },
  AlreadyRestored: { meaning: 'The container was restored already.', remedy: 'Nothing.' },
  NotWaiting: {
    meaning: 'PID 1 of the container is not a standby that waits.',
    remedy: 'See docs/restore-pods.md for the command of a restore pod.',
  },
  GpuMismatch: {
    meaning: 'The GPUs of the node are not those that the artifact needs (model, number, memory or driver).',
    remedy: 'Restore on a node with the same GPUs and driver.',
  },
  CudaStuck: {
    meaning: 'The CUDA driver did not finish a step in its time.',
    remedy: 'See the log of the agent; update the driver.',
  },
  CudaHang: {
    meaning: 'The CUDA driver does not answer any more.',
    remedy: 'Delete the pod; see dmesg of the node for Xid errors.',
  },
  CudaLost: { meaning: 'The CUDA state of the process is lost.', remedy: 'Delete the pod: it starts anew.' },
  CudaHelperLost: {
    meaning: 'The helper that talks to the CUDA driver died.',
    remedy: 'It is tried again; see the log of the agent.',
  },
  OperationLost: {
    meaning: 'The operation died (node restarted, out of memory) and was taken back from its journal.',
    remedy: 'See the log of the agent and of the kernel, then try again.',
  },
  StartFailed: {
    meaning: 'The operation could not be begun.',
    remedy: 'See the message and the log of the agent.',
  },
  DefinitionTaken: {
    meaning: 'A CustomResourceDefinition of our name belongs to somebody else.',
    remedy: 'Remove what it belongs to, or set crds.adopt=true (docs/upgrade-from-upstream.md).',
  },
  InvalidArguments: { meaning: 'nsrestore was called wrongly.', remedy: report },
  InvalidArtifactRef: { meaning: 'The name of an artifact would lead out of the store.', remedy: report },
  InvalidCgroup: { meaning: 'A cgroup is not that of the container, and is not touched.', remedy: report },
  InvalidContainerId: { meaning: 'What should be a container id is none.', remedy: report },
  InvalidJournal: { meaning: 'A journal entry asks for something that is never done.', remedy: report },
  InvalidPid: { meaning: 'What should be a process number is none.', remedy: report },
  InvalidUid: { meaning: 'What should be a UID is none.', remedy: report },
  NothingToUndo: { meaning: 'The operation has a result; nothing is taken back.', remedy: 'Nothing.' },
  NothingToDo: { meaning: 'The operation has a result already.', remedy: 'Nothing.' },
  NothingToRecover: { meaning: 'The operation ended by itself.', remedy: 'Nothing.' },
  Usage: { meaning: 'The engine was called wrongly.', remedy: byHand },
};
