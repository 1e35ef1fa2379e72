/** What the schema and the CEL rules of the CRD cannot say of `spec.quiesce`; pure. */
import type { DynamoCheckpoint } from '@dynamo-snapshot/api/checkpoint';
import { checkpointDefaults } from '@dynamo-snapshot/api/checkpoint';
import type { Hook } from '@dynamo-snapshot/api/hooks';
import { hookDefaults } from '@dynamo-snapshot/api/hooks';

type Spec = DynamoCheckpoint['spec'];
const lists = ['beforeCapture', 'afterCapture', 'afterRestore'] as const;
type List = (typeof lists)[number];

/** Of a request target, RFC 9112 3.2: no blank, nothing that is not ASCII, no fragment. */
const NOT_IN_A_PATH = /[^\x21-\x7e]|#/;

export function quiesceFaults({ quiesce, capture, restore }: Spec): readonly string[] {
  const { captureTimeoutSeconds, restoreTimeoutSeconds } = checkpointDefaults;
  const ofCapture = capture?.timeoutSeconds ?? captureTimeoutSeconds;
  const ofRestore = restore?.timeoutSeconds ?? restoreTimeoutSeconds;
  return lists.flatMap((list) => {
    const hooks = quiesce?.[list] ?? [];
    const limit =
      list === 'afterRestore'
        ? { field: 'spec.restore.timeoutSeconds', seconds: ofRestore }
        : { field: 'spec.capture.timeoutSeconds', seconds: ofCapture };
    return [
      ...hooks.flatMap((hook, i) => hookFaults(hook, `${pathOf(list)}[${i}]`)),
      ...timeFaults(list, hooks, limit),
    ];
  });
}

/** A worker that rests and is never woken serves nobody; but a hook may have a wake-up of its own. */
export function quiesceWarnings({ quiesce }: Spec): readonly string[] {
  const { beforeCapture = [], afterCapture = [], afterRestore = [] } = quiesce ?? {};
  if (beforeCapture.length === 0 || afterRestore.length > 0) return [];
  const who = afterCapture.length > 0 ? 'a restored worker' : 'a worker that it brings to rest';
  return [`${pathOf('beforeCapture')}: ${who} is woken up by no hook; spec.quiesce.afterRestore does that`];
}

const pathOf = (list: List): string => `spec.quiesce.${list}`;

function hookFaults({ http, exec }: Hook, path: string): readonly string[] {
  return [
    ...(exec !== undefined && !exec.command[0]?.trim() ? [`${path}.exec.command[0]: names no program`] : []),
    ...(NOT_IN_A_PATH.test(http?.path ?? '')
      ? [`${path}.http.path: ${JSON.stringify(http?.path)} has a character that must be percent-encoded`]
      : []),
  ];
}

/** One after the other, each to its limit: the operation would be over before the last one had its time. */
function timeFaults(
  list: List,
  hooks: readonly Hook[],
  limit: { readonly field: string; readonly seconds: number },
): readonly string[] {
  const ofOne = ({ http, exec }: Hook) => (http ?? exec)?.timeoutSeconds ?? hookDefaults.timeoutSeconds;
  const seconds = hooks.reduce((sum, hook) => sum + ofOne(hook), 0);
  if (seconds < limit.seconds) return [];
  return [
    `${pathOf(list)}: its hooks may take ${seconds} s in all, but ${limit.field} is ${limit.seconds}: shorten their timeoutSeconds or raise it`,
  ];
}
