/** Where the test works and what its worker is. Read from the environment and the command line once, by main; run.sh sets them. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Model } from '../../bench/gpu/vllm/model';
import { models } from '../../bench/gpu/vllm/model';
import type { Start } from '../../bench/gpu/vllm/starts';
import { starts } from '../../bench/gpu/vllm/starts';
import { several } from '../../bench/gpu/words';

export interface Place {
  /** What was packed. */
  readonly home: string;
  /** Results. */
  readonly out: string;
  /** Scratch in memory, gone with the mount namespace in which run.sh starts this. */
  readonly work: string;
  readonly gpu: boolean;
  /** Something stands in for a GPU and its driver (stand-in.ts). */
  readonly standIn: boolean;
  /** On the worker's GPU. */
  readonly gibibytes: number;
  /** Absent = the worker is no server, but sums up its memory. */
  readonly vllm?: VllmPlace;
}

export interface VllmPlace {
  readonly model: Model;
  /** Where unpack.sh has put it; without a GPU another program stands in for it. */
  readonly folder: string;
  /** In this order; the last one is captured. */
  readonly starts: readonly Start[];
}

const GIBIBYTES = { gpu: '4', standIn: '0.25' } as const;

type Environment = Readonly<Record<string, string | undefined>>;

export function placeOf(env: Environment, args: readonly string[]): Place {
  const need = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === '') throw new Error(`${name} is not set; run.sh sets it`);
    return value;
  };
  const gpu = !args.includes('--cpu') && existsSync('/dev/nvidiactl');
  const vllm = vllmOf(env, gpu);
  const place: Place = {
    home: need('E2E_HOME'),
    out: need('E2E_OUT'),
    work: need('E2E_SCRATCH'),
    gpu,
    standIn: !gpu && vllm === undefined,
    gibibytes: Number(env['E2E_GIB'] ?? GIBIBYTES[gpu ? 'gpu' : 'standIn']),
    ...(vllm === undefined ? {} : { vllm }),
  };
  for (const dir of [place.out, place.work]) mkdirSync(dir, { recursive: true });
  return place;
}

const MEMORY = 'memory';
const servers = { 'vllm-8b': models['8b'], 'vllm-0.6b': models['0.6b'] } as const;

function vllmOf(env: Environment, gpu: boolean): VllmPlace | undefined {
  const name = env['E2E_WORKER'] ?? MEMORY;
  if (name === MEMORY) return undefined;
  const [, asked] = Object.entries(servers).find(([known]) => known === name) ?? [];
  if (asked === undefined)
    throw new Error(
      `E2E_WORKER is ${JSON.stringify(name)}, none of ${[MEMORY, ...Object.keys(servers)].join(', ')}`,
    );
  const wanted = several('E2E_STARTS', starts, env['E2E_STARTS']);
  // The folder of what is compiled is new.
  if (wanted[0] !== 'empty') throw new Error('E2E_STARTS must begin with empty');
  const folder = env['E2E_VLLM'] ?? '';
  if (gpu && !existsSync(join(folder, 'unpacked')))
    throw new Error(
      `no vLLM is unpacked at ${JSON.stringify(folder)}: npm run bench:pack:vllm makes dist/bench-gpu-vllm, its unpack.sh unpacks it`,
    );
  return { model: gpu ? asked : models.tiny, folder, starts: wanted };
}

export const programOf = ({ home }: Place, name: string): string => join(home, name);
