/** Where the test works and what its worker is. Read from the environment and the command line once, by main; run.sh sets them. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Place {
  /** What was packed. */
  readonly home: string;
  /** Results. */
  readonly out: string;
  /** Scratch in memory, gone with the mount namespace in which run.sh starts this. */
  readonly work: string;
  readonly gpu: boolean;
  /** Of the worker's memory: the GPU's, or its own. */
  readonly gibibytes: number;
}

const GIBIBYTES = { gpu: '4', cpu: '0.25' } as const;

export function placeOf(env: Readonly<Record<string, string | undefined>>, args: readonly string[]): Place {
  const need = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === '') throw new Error(`${name} is not set; run.sh sets it`);
    return value;
  };
  const gpu = !args.includes('--cpu') && existsSync('/dev/nvidiactl');
  const place: Place = {
    home: need('E2E_HOME'),
    out: need('E2E_OUT'),
    work: need('E2E_SCRATCH'),
    gpu,
    gibibytes: Number(env['E2E_GIB'] ?? GIBIBYTES[gpu ? 'gpu' : 'cpu']),
  };
  for (const dir of [place.out, place.work]) mkdirSync(dir, { recursive: true });
  return place;
}

export const programOf = ({ home }: Place, name: string): string => join(home, name);
