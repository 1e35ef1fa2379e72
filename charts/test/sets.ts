/** The sets of values whose whole output is kept under charts/test/golden. */
import type { Values } from './helm';

export const sets: Readonly<Record<string, Values>> = {
  default: {},
  'cluster-wide': { rbac: { namespaceRestricted: false } },
  'all-set': {
    imagePullSecrets: [{ name: 'registry' }],
    podLabels: { team: 'inference' },
    podAnnotations: { 'example.com/note': 'both' },
    operator: {
      logLevel: 'debug',
      seccompProfile: '',
      nodeSelector: { pool: 'control' },
      tolerations: [{ operator: 'Exists' }],
      affinity: { podAntiAffinity: {} },
      priorityClassName: 'system-cluster-critical',
    },
    daemonset: {
      nodeSelector: { 'nvidia.com/gpu.present': 'true' },
      podLabels: { tier: 'node' },
      podAnnotations: { 'example.com/agent': 'yes' },
      priorityClassName: 'system-node-critical',
      privileged: false,
    },
    webhook: { standbyConfigMap: false },
    runtime: { preset: 'k3s' },
    memory: { pages: 'criu', staging: 'direct', threads: 8, verifyFirst: true },
    gpu: { enabled: true, lockTimeoutSeconds: 30, hugePages: false, prefault: false, overlap: false },
    keys: { secretName: 'snapshot-keys', encryptWith: '2026-11', requireSignature: true },
    metrics: { podMonitor: { create: true, labels: { release: 'prometheus' } } },
    dashboards: { enabled: true },
    alerts: { enabled: true, labels: { release: 'prometheus' } },
    crds: { adopt: true },
    storage: { pvc: { create: false, name: 'shared', basePath: '/checkpoints' }, sweep: { enabled: false } },
    seccomp: { deploy: false },
    serviceAccount: { create: false, operatorName: 'op', agentName: 'ag' },
  },
  'gpu-host-path': {
    gpu: { enabled: true, driver: 'hostPath', libraryPath: '/run/nvidia/driver/usr/lib/x86_64-linux-gnu' },
  },
};
