/**
 * Whether the runtime's socket still leads to it. A runtime that starts again makes a new socket, but a mount of the old one stays in the
 * agent's container, and refuses connections for ever; only a new container mounts the new one.
 */
import { connect } from 'node:net';

const TRY_MS = 1000;
const EVERY_MS = 1000;
/** A runtime that is only restarting comes back at the same path on a host that is no container. */
const REFUSED_TIMES = 5;

export const socketPath = (endpoint: string): string => endpoint.replace(/^unix:\/\//, '');

export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (how: boolean) => {
      socket.destroy();
      resolve(how);
    };
    socket.setTimeout(TRY_MS, () => end(false));
    socket.on('connect', () => end(true));
    socket.on('error', () => end(false));
  });
}

/** Settles when the runtime has not answered several times in a row. */
export function runtimeLost(path: string, everyMs = EVERY_MS): Promise<void> {
  let refused = 0;
  return new Promise((resolve) => {
    const look = async () => {
      refused = (await answers(path)) ? 0 : refused + 1;
      if (refused >= REFUSED_TIMES) return resolve();
      setTimeout(() => void look(), everyMs).unref();
    };
    void look();
  });
}
