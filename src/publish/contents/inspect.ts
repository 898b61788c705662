import type { Store, Verification } from '../../store';
import { AssayError } from '../../contract';

export type ObjectState = 'ok' | 'damaged' | 'missing' | 'away';

export interface Inspected {
  state: ObjectState;
  /** Whether any copy is sound. */
  readable: boolean;
  /** One a copy that is not sound: which, and what is wrong with it. */
  where: { url: string; state: Exclude<ObjectState, 'ok'>; detail: string }[];
}

/** Reads and hashes every copy of an object, and changes none of them (the store must be one that repairs nothing). */
export async function inspectObject(store: Store, digest: string): Promise<Inspected> {
  try {
    return judged(await store.verify(digest));
  } catch (error) {
    // The index of a pack, without which nothing in it can be found.
    if (!(error instanceof AssayError)) throw error;
    const state = error.type === 'ObjectCorrupt' ? 'damaged' : 'away';
    if (state === 'away' && error.type !== 'StoreUnavailable') throw error;
    return { state, readable: false, where: [{ url: store.url, state, detail: error.message }] };
  }
}

function judged({ replicas }: Verification): Inspected {
  const where = replicas.flatMap(({ url, state, detail }): Inspected['where'] =>
    state === 'sound' ? [] : [{ url, state: words[state], detail }],
  );
  const worst = (['damaged', 'missing', 'away'] as const).find((state) => where.some((one) => one.state === state));
  const readable = replicas.some(({ state }) => state === 'sound');
  if (replicas.length === 0) return { state: 'missing', readable: false, where: [] };
  return { state: worst ?? 'ok', readable, where };
}

const words = { corrupt: 'damaged', missing: 'missing', unavailable: 'away' } as const;

/** Whether every copy is sound after those that are not were written again from one that is. */
export async function mendObject(mending: Store, digest: string): Promise<boolean> {
  try {
    return (await mending.verify(digest, { repair: true })).replicas.every(({ state }) => state === 'sound');
  } catch (error) {
    if (error instanceof AssayError) return false;
    throw error;
  }
}
