import { VERSION_ANNOTATION } from '@dynamo-snapshot/api/names';
import { decide } from '../../src/crds/decide';

const of = (version?: string) => ({
  metadata: {
    name: 'dynamocheckpoints.nvidia.com',
    ...(version === undefined ? {} : { annotations: { [VERSION_ANNOTATION]: version } }),
  },
});

it.each([
  ['makes what is not there', undefined, false, 'apply'],
  ['writes the same version again', of('0.2.0'), false, 'apply'],
  ['replaces an older one', of('0.1.9'), false, 'apply'],
  ['compares numbers, not letters', of('0.10.0'), false, 'leave'],
  ['leaves a newer one, which another release has brought', of('1.0.0'), false, 'leave'],
  ['refuses to replace what is not ours', of(), false, 'refuse'],
  ['replaces what is not ours when told to', of(), true, 'apply'],
  ['never goes back to an older one, even when told to adopt', of('0.3.0'), true, 'leave'],
  ['replaces one whose version cannot be read', of('?'), false, 'apply'],
])('%s', (_, found, adopt, plan) => {
  expect(decide(of('0.2.0'), found, adopt).do).toBe(plan);
});
