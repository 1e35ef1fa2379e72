/** What is needed to know of an object that is watched, and what is told of it. */

export type Change = 'ADDED' | 'MODIFIED' | 'DELETED';

/** Our own types and client-node's both fit. */
export interface Watched {
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
}

/** Of one kind of object; as in a work queue. */
export const keyOf = (object: Watched): string =>
  `${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`;
