/** What a capture answers; pure. Everything in it is in the manifest, so it can be given long after by somebody else. */
import type { Manifest } from '@dynamo-snapshot/api/manifest';
import type { Timing } from '@dynamo-snapshot/api/schema';
import type { CaptureResult } from '../engine';

export function capturedResult(
  { source, container, dump, sizeBytes }: Manifest,
  artifactDigest: string,
  timings: readonly Timing[],
): CaptureResult {
  return {
    operation: 'Capture',
    artifactDigest,
    sizeBytes,
    pausedSeconds: dump.pausedSeconds,
    source: {
      ...source,
      image: container.image,
      imageDigest: container.imageDigest,
      command: container.command,
    },
    timings,
  };
}
