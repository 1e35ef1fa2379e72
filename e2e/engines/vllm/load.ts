/** Clients of a server: greedy completions, several at a time, tried again where they fail, as real clients do. */
import { setTimeout as delay } from 'node:timers/promises';
import { complete } from './server';

export const prompts = [
  'Once upon a time',
  'The quick brown fox',
  'A snapshot of a worker',
  'One two three four',
] as const;

export type Answers = Readonly<Record<string, string>>;

/** What the server says to each prompt, asked one after the other. */
export async function answersOf(ip: string): Promise<Answers> {
  const answers: Record<string, string> = {};
  for (const prompt of prompts) answers[prompt] = await complete(ip, prompt);
  return answers;
}

export interface Outcome {
  readonly answered: number;
  /** Not answered after all tries. */
  readonly lost: readonly string[];
  /** Answered otherwise than before. */
  readonly other: readonly string[];
  /** Tries that failed. */
  readonly retries: number;
  readonly longestMs: number;
}

const CLIENTS = 2;
const TRIES = 5;

/** `count` requests in all; `pace` is awaited before each, with how many were begun. */
export async function load(
  ip: string,
  expected: Answers,
  count: number,
  pace: (begun: number) => Promise<void> = async () => undefined,
): Promise<Outcome> {
  const lost: string[] = [];
  const other: string[] = [];
  let [begun, answered, retries, longestMs] = [0, 0, 0, 0];
  const client = async () => {
    while (begun < count) {
      const prompt = prompts[begun % prompts.length] ?? '';
      begun += 1;
      await pace(begun);
      const started = performance.now();
      const { text, tries } = await tried(ip, prompt);
      longestMs = Math.max(longestMs, performance.now() - started);
      retries += tries - 1;
      if (text === undefined) lost.push(prompt);
      else if (text !== expected[prompt]) other.push(`${prompt}: ${text}`);
      else answered += 1;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return { answered, lost, other, retries, longestMs };
}

async function tried(
  ip: string,
  prompt: string,
): Promise<{ readonly text?: string; readonly tries: number }> {
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const text = await complete(ip, prompt).catch(() => undefined);
    if (text !== undefined) return { text, tries };
    await delay(500);
  }
  return { tries: TRIES };
}
