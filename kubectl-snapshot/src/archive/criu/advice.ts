/** The advice (madvise(2)) that areas had before ours: a restore of ours wants huge pages, CRIU by itself what the source had; pure. */
import type { AdvisedArea } from '@dynamo-snapshot/api/pages';
import { TerminalError } from '@dynamo-snapshot/api/errors';
import { edited } from '../../images/codec';
import type { Images } from '../../images/files';

/** The images that differ, by name. */
export function adviceOfBefore(
  images: Images,
  advised: readonly AdvisedArea[],
): readonly (readonly [string, Buffer])[] {
  return [...new Set(advised.map(({ pid }) => pid))].map((pid) => {
    const name = `mm-${pid}.img`;
    const image = images.get(name);
    if (image === undefined)
      throw new TerminalError(
        'ArtifactInvalid',
        `pages/index.json has advice of process ${pid}, ${name} is missing`,
      );
    const had = new Map(advised.filter((area) => area.pid === pid).map(({ start, madv }) => [start, madv]));
    return [
      name,
      edited('mm_entry', name, image, ({ vmas }) => {
        for (const vma of vmas) {
          const before = had.get(Number(vma.start));
          if (before === 0) delete vma.madv;
          else if (before !== undefined) vma.madv = before;
        }
      }),
    ];
  });
}
