/** Time is passed in, so that decisions can be tested. */

/** Milliseconds since the epoch. */
export type Instant = number;

export interface Clock {
  now(): Instant;
}

export const iso = (at: Instant): string => new Date(at).toISOString();

/** Kubernetes' metav1.Time has whole seconds; a MicroTime keeps the fraction. */
export const isoSeconds = (at: Instant): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');

export const secondsBetween = (from: string, to: string): number =>
  (Date.parse(to) - Date.parse(from)) / 1000;
