/** docs/reference/backends.md: what each backend's profile fills in. */
import type { Backend, BackendProfile } from '@dynamo-snapshot/api/backends';
import { backendNames, backendOf } from '@dynamo-snapshot/api/backends';
import { code, table } from './markdown';

const list = (items: readonly string[]): string => (items.length === 0 ? '-' : items.map(code).join(', '));

function rows({ environment, sharedMemory, port, readinessPath, hooks, tcp, excludePaths }: BackendProfile) {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const only =
    hooks === undefined ? '' : ` (only with ${code(`${hooks.onlyWith.name}=${hooks.onlyWith.value}`)})`;
  return [
    ['environment', list(variables)],
    ['seccomp profile', 'denies io_uring (`operator.seccompProfile`)'],
    ['`/dev/shm`', sharedMemory === undefined ? "the runtime's" : `tmpfs of up to ${sharedMemory}`],
    ['readiness probe', readinessPath === undefined ? '-' : `GET ${code(readinessPath)}`],
    ['port', port === undefined ? '-' : String(port)],
    ['before a capture', `${list(hooks?.beforeCapture ?? [])}${only}`],
    ['after a capture and a restore', `${list(hooks?.afterRestore ?? [])}${only}`],
    ['connections', code(tcp ?? 'close')],
    ['left out of the artifact', list(excludePaths ?? [])],
  ] as const;
}

function section(backend: Backend): string {
  if ('refused' in backend) return `## ${backend.name}\n\nRefused: ${backend.refused}.\n`;
  const limits = backend.profile.limits.map((limit) => `- ${limit}`).join('\n');
  return `## ${backend.name}\n\n${table(['What', 'Where the pod does not say it'], rows(backend.profile))}\n${limits}\n`;
}

export const backendsPage = (): string =>
  [
    '# Backends\n',
    'What `spec.identity.backendFramework` fills in, for the container that is captured. Guides: [vLLM](../engines/vllm.md),',
    '[SGLang](../engines/sglang.md), [any other](../engines/generic.md).\n',
    ...backendNames.map((name) => section(backendOf(name))),
  ].join('\n');
