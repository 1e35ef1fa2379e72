/** The objects of the fake API server, with the rules that a controller can trip over: versions, finalizers, the status subresource. */
import { randomUUID } from 'node:crypto';

export interface Metadata {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  finalizers?: string[];
}

export interface Thing {
  metadata: Metadata;
  status?: unknown;
  [field: string]: unknown;
}

export type Change = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface Told {
  readonly version: number;
  readonly collection: string;
  readonly type: Change;
  readonly object: Thing;
}

/** Where an object lives: `collection` is its path without namespace, as in "apis/nvidia.com/v1alpha1/dynamocheckpoints". */
export interface At {
  readonly collection: string;
  readonly namespace: string | undefined;
  readonly name: string;
}

/** What the server answers with a code of its own. */
export class Refusal extends Error {
  readonly code: number;
  readonly reason: string;
  constructor(code: number, reason: string, message: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** RFC 7386; `byType` merges lists of conditions by their type as strategic merge and apply do. */
export function merged(old: unknown, patch: unknown, byType: boolean): unknown {
  if (byType && Array.isArray(patch) && patch.every((c) => isRecord(c) && 'type' in c)) {
    const kept = Array.isArray(old) ? old.filter((o) => !patch.some((p) => p.type === o.type)) : [];
    return [...kept, ...patch];
  }
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(old) ? { ...old } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value, byType);
  }
  return result;
}

export class Store {
  readonly #objects = new Map<string, { readonly collection: string; readonly object: Thing }>();
  readonly history: Told[] = [];
  readonly #onTold: (told: Told) => void;
  version = 100;

  constructor(onTold: (told: Told) => void) {
    this.#onTold = onTold;
  }

  list(collection: string): readonly Thing[] {
    return [...this.#objects.values()].filter((o) => o.collection === collection).map((o) => o.object);
  }

  get(at: At): Thing | undefined {
    return this.#objects.get(key(at))?.object;
  }

  create(collection: string, namespace: string | undefined, body: Thing): Thing {
    const suffix = randomUUID().slice(0, 5);
    const name = body.metadata.name ?? `${body.metadata.generateName ?? ''}${suffix}`;
    const at = { collection, namespace, name };
    if (this.get(at)) throw new Refusal(409, 'AlreadyExists', `${name} already exists`);
    const metadata = { ...body.metadata, name, uid: randomUUID(), ...(namespace ? { namespace } : {}) };
    return this.#put('ADDED', at, { ...body, metadata });
  }

  /** `subresource` "status" changes only the status; without it the status stays. */
  change(at: At, subresource: string | undefined, patched: (old: Thing) => Thing): Thing {
    const old = this.#existing(at);
    const next = patched(old);
    const given = next.metadata.resourceVersion;
    if (given !== undefined && given !== old.metadata.resourceVersion)
      throw new Refusal(409, 'Conflict', `${at.name}: the object has been modified`);
    const whole = subresource === 'status' ? { ...old, status: next.status } : { ...next };
    if (subresource === undefined && old.status !== undefined) whole.status = old.status;
    if (whole.metadata.deletionTimestamp && !whole.metadata.finalizers?.length)
      return this.#remove(at, whole);
    return this.#put('MODIFIED', at, whole);
  }

  /** With finalizers the object stays, marked. */
  delete(at: At): Thing {
    const old = this.#existing(at);
    if (!old.metadata.finalizers?.length) return this.#remove(at, old);
    if (old.metadata.deletionTimestamp) return old;
    const metadata = { ...old.metadata, deletionTimestamp: new Date().toISOString() };
    return this.#put('MODIFIED', at, { ...old, metadata });
  }

  #existing(at: At): Thing {
    const old = this.get(at);
    if (!old) throw new Refusal(404, 'NotFound', `${at.name} not found`);
    return old;
  }

  #remove(at: At, object: Thing): Thing {
    this.#objects.delete(key(at));
    return this.#tell('DELETED', at.collection, object);
  }

  #put(type: Change, at: At, object: Thing): Thing {
    const told = this.#tell(type, at.collection, object);
    this.#objects.set(key(at), { collection: at.collection, object: told });
    return told;
  }

  #tell(type: Change, collection: string, object: Thing): Thing {
    const version = ++this.version;
    const numbered = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    const told = { version, collection, type, object: numbered };
    this.history.push(told);
    this.#onTold(told);
    return numbered;
  }
}

const key = (at: At): string => `${at.collection} ${at.namespace ?? ''}/${at.name}`;
