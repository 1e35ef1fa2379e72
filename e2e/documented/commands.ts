/**
 * Every command that README and docs show, and what runs it. `scripts/test/commands.test.ts` holds that none is missing, and that the
 * files that are named have what is said of them here; `e2e/scenarios/documented.scenario.ts` runs the others, in this order.
 */

/** A thing of the scenario that a page calls by a word of its own. */
export const things = [
  'agent',
  'artifact',
  'assignment',
  'checkpoint',
  'cluster env',
  'empty namespace',
  'namespace',
  'operator',
  'other node',
  'release',
  'source',
] as const;
export type Thing = (typeof things)[number];

/** As the page has it, with these words replaced. */
export interface Here {
  readonly here: Readonly<Record<string, Thing>>;
  /** What is put behind it. */
  readonly more?: string;
  /** It goes on until it is stopped. */
  readonly endless?: boolean;
  /** In the checkout; the others run in an empty folder. */
  readonly inCheckout?: boolean;
}

/** A test or a program of one, which has these words. */
export interface Elsewhere {
  readonly file: string;
  readonly as: string;
}

/** Run by no test. GPU: the page has to say so too. */
export interface ByHand {
  readonly byHand: 'GPU' | 'minutes of a quiet machine' | 'pictures for the pages';
}

/** Not a command, but the name of one. */
export interface Name {
  readonly name: true;
}

const unit = (file: string, as: string): Elsewhere => ({ file: `kubectl-snapshot/test/${file}.test.ts`, as });
const scenario = (name: string, as: string): Elsewhere => ({ file: `e2e/scenarios/${name}.scenario.ts`, as });
const stage = (as: string): Elsewhere => ({ file: 'scripts/test.ts', as });
const forCriu = (as: string): Elsewhere => ({ file: 'bench/cpu/export.engine.ts', as });
const install: Elsewhere = { file: 'e2e/chart.ts', as: "'charts/dynamo-snapshot'" };
const upgrade: Elsewhere = scenario('installation', 'await upgrade(release, world.values)');
const slow: ByHand = { byHand: 'minutes of a quiet machine' };
const onSmall: Elsewhere = { file: 'bench/cpu/commands.engine.ts', as: "'npm', ['run', '-s', script" };
const asItIs: Here = { here: {} };
const name: Name = { name: true };

const ofTheRepository: Commands = {
  'npm test': { file: '.ci/run', as: 'npm test' },
  'npm test -- --only unit': stage("name: 'unit'"),
  'npm test -- --only engines': stage("name: 'engines'"),
  'npm run crds': stage("'scripts/crds.ts', '--check'"),
  'npm run docs': stage("'scripts/docs.ts', '--check'"),
  'npm run golden': stage("'charts/jest.config.cjs'"),
  'npm run faults': stage("'e2e/faults/main.ts'"),
  'npm run faults -- --count 32 --seed 1': stage("'--count', '32', '--seed', '1'"),
  'npm run faults -- --count 200 --seed 1': slow,
  'npm run cluster -- up': stage("'selfcheck', ...name"),
  'eval "$(npm run -s cluster -- env)"': { here: { 'cluster -- env': 'cluster env' }, inCheckout: true },
  'npm run demo': scenario('demo', 'await show(kube, world'),
  'npm run demo -- --engine vllm': slow,
  'npm run bench': onSmall,
  'npm run bench -- --mib 4096 --rounds 3': slow,
  'npm run bench:digests -- --mib 4096 --rounds 4 --cold': slow,
  'npm run bench:digests': onSmall,
  'npm run bench:pack': { byHand: 'GPU' },
  'npm run bench:pack:vllm': { byHand: 'GPU' },
  'npm run e2e:gpu': stage("'dist/e2e-gpu/run.sh', out, '--cpu'"),
  'npm run e2e:gpu:pack': stage("'e2e/gpu/pack.ts'"),
  'npx tsx scripts/pictures.ts': { byHand: 'pictures for the pages' },
};

const ofTheChart: Commands = {
  'helm install snapshot charts/dynamo-snapshot --namespace dynamo --create-namespace --set storage.pvc.storageClass=<a class that can ReadWriteMany>':
    install,
  'helm install snapshot charts/dynamo-snapshot --namespace dynamo --set storage.pvc.storageClass=<a class that can ReadWriteMany>':
    install,
  'helm install snapshot charts/dynamo-snapshot --namespace dynamo --set crds.adopt=true': scenario(
    'installation',
    "'crds.adopt=true'",
  ),
  'helm upgrade': upgrade,
  'helm upgrade … --set dashboards.enabled=true --set alerts.enabled=true': {
    file: 'charts/test/dashboards.test.ts',
    as: 'alerts: { enabled: true }',
  },
  'helm uninstall RELEASE': scenario('beside', "'uninstall'"),
  'helm uninstall snapshot --namespace dynamo': scenario('beside', "'uninstall'"),
  'helm test snapshot --namespace dynamo --logs': { here: { dynamo: 'namespace' } },
  'helm test RELEASE --logs': { here: { RELEASE: 'release' } },
  'kubectl create namespace dynamo': { here: { dynamo: 'empty namespace' } },
  'kubectl label namespace dynamo pod-security.kubernetes.io/enforce=privileged': {
    here: { dynamo: 'empty namespace' },
  },
  'openssl genpkey -algorithm ed25519 -out signing.pem': asItIs,
  'openssl rand 32 > 2026-11.key': asItIs,
  'kubectl create secret generic snapshot-keys --from-file=signing.pem --from-file=2026-11.key': {
    here: {},
    more: '--dry-run=server',
  },
};

/** What makes something comes first. */
const ofThePlugin: Commands = {
  'npm run build -- kubectl-snapshot && install dist/kubectl-snapshot /usr/local/bin/': {
    file: 'e2e/plugin.ts',
    as: "'scripts/build.mjs', 'kubectl-snapshot'",
  },
  'node scripts/plugin.mjs': { here: {}, inCheckout: true },
  'kubectl snapshot capture worker-0 --name qwen3 --model Qwen/Qwen3-0.6B --backend vllm': {
    here: { qwen3: 'checkpoint', 'worker-0': 'source' },
  },
  "kubectl wait checkpoint/qwen3 --for=jsonpath='{.status.phase}'=Ready --timeout=30m": {
    here: { qwen3: 'checkpoint' },
  },
  'kubectl snapshot restore qwen3 --name clone --node node-b': {
    here: { qwen3: 'checkpoint', 'node-b': 'other node' },
  },
  'kubectl snapshot status': asItIs,
  'kubectl snapshot status -w': { here: {}, endless: true },
  'kubectl snapshot ls': asItIs,
  'kubectl snapshot doctor': scenario('plugin', "plugin.run(['doctor'"),
  'kubectl snapshot report report.html': asItIs,
  'kubectl snapshot export qwen3 qwen3.tar': asItIs,
  'kubectl snapshot import qwen3.tar': scenario('plugin', "plugin.ok(['import', archive"),
  'kubectl snapshot export ./artifact a.tar': unit(
    'artifact/archive',
    "['export', at('artifact'), at('a.tar')]",
  ),
  'kubectl snapshot export --criu ./artifact for-criu.tar': forCriu("'export', '--criu', artifact()"),
  'criu restore --images-dir checkpoint --restore-detached': forCriu(
    "restoreArgs(ensureCriu(), join(out, 'checkpoint')",
  ),
  'kubectl snapshot import a.tar --dir ./again': unit(
    'artifact/archive',
    "['import', at('a.tar'), '--dir', at('again')]",
  ),
  'kubectl snapshot verify ./damaged': unit('artifact/archive', "['verify', at('damaged')]"),
  'kubectl snapshot inspect ./images --sockets': unit('commands/inspect', "['inspect', folder, '--sockets'"),
  'source <(kubectl snapshot completion bash)': asItIs,
  'kubectl snapshot completion kubectl > ~/.local/bin/kubectl_complete-snapshot && chmod +x ~/.local/bin/kubectl_complete-snapshot':
    asItIs,
};

const ofKubectl: Commands = {
  'kubectl get checkpoints': asItIs,
  'kubectl get checkpoints -A': asItIs,
  'kubectl get checkpoints --watch': { here: {}, endless: true },
  'kubectl describe checkpoint': asItIs,
  'kubectl describe checkpoint NAME': { here: { NAME: 'checkpoint' } },
  'kubectl describe pod NAME': { here: { NAME: 'source' } },
  'kubectl get snapshotassignments': asItIs,
  'kubectl get snapshotassignments -o wide': asItIs,
  'kubectl get snapshotassignments -A -o wide': asItIs,
  'kubectl get snapshotassignment NAME -o jsonpath={.status.receipt}': { here: { NAME: 'assignment' } },
  'kubectl get pods -o custom-columns=\'NAME:.metadata.name,RESTORED:.status.conditions[?(@.type=="nvidia.com/Restored")].reason\'':
    asItIs,
  'kubectl get lease': asItIs,
  'kubectl logs -l app.kubernetes.io/component=agent --prefix': asItIs,
  'kubectl logs deployment/…-operator': { here: { '…-operator': 'operator' } },
  'kubectl exec AGENT -- node /opt/dynamo-snapshot/engine.cjs verify /checkpoints/NAMESPACE/HASH/UID': {
    here: { AGENT: 'agent', 'NAMESPACE/HASH/UID': 'artifact' },
  },
  'kubectl scale deployment qwen3 --replicas=4': scenario('scale-up', "'scale', 'deployment/scale'"),
  'kubectl apply --dry-run=server -o yaml': scenario('admission', "'--dry-run=server', '-o', 'json'"),
  'kubectl annotate checkpoint NAME nvidia.com/snapshot-recapture=<any new value>': scenario(
    'versions',
    'annotation.recapture}=',
  ),
  'kubectl delete checkpoint NAME': scenario('cancel', "'delete', CHECKPOINT.singular"),
  'kubectl delete checkpoint qwen3': { here: { qwen3: 'checkpoint' } },
  'kubectl delete checkpoints --all --namespace dynamo': { here: { dynamo: 'empty namespace' } },
  'kubectl delete checkpoints --all --namespace NAMESPACE': { here: { NAMESPACE: 'empty namespace' } },
  // The other scenarios still need these.
  'kubectl delete pvc snapshot-pvc --namespace NAMESPACE': {
    here: { NAMESPACE: 'namespace' },
    more: '--dry-run=server',
  },
  'kubectl delete crd dynamocheckpoints.nvidia.com snapshotassignments.nvidia.com': {
    here: {},
    more: '--dry-run=server',
  },
};

const names: Commands = Object.fromEntries(
  [
    ...['criu dump', 'criu restore', 'helm install', 'helm test'],
    ...['kubectl exec', 'kubectl logs', 'kubectl snapshot', 'kubectl snapshot …'],
  ].map((words) => [words, name]),
);

type Commands = Readonly<Record<string, Here | Elsewhere | ByHand | Name>>;

export const commands: Commands = {
  ...names,
  ...ofTheRepository,
  ...ofTheChart,
  ...ofThePlugin,
  ...ofKubectl,
};
