/** Where a worker serves; pure. */
import type { V1Container } from '@kubernetes/client-node';

/** The port named http; else the usual one of its backend, unless the container lists others only: then its first. */
export function servingPort({ ports = [] }: V1Container, usual: number): number {
  const named = ports.find((p) => p.name === 'http');
  const listed = ports.find((p) => p.containerPort === usual) ?? ports[0];
  return (named ?? listed)?.containerPort ?? usual;
}
