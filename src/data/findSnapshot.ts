import { AssayError, refNames, type SnapshotRecord } from '../contract';
import type { Store } from '../store';

export interface FoundSnapshot {
  /** Of the manifest: the snapshot's own name. */
  digest: string;
  record: SnapshotRecord;
  /** Names that people gave it, sorted. */
  names: string[];
}

const [byDigest, named] = [refNames.snapshot(''), refNames.namedSnapshot('')];

/** By name, by digest, or by the beginning of a digest; `snapshot:` before it is allowed. */
export async function findSnapshot(store: Store, which: string): Promise<FoundSnapshot> {
  const text = which.replace(/^snapshot:/, '');
  const hex = text.replace(/^sha256:/, '');
  const name = isName(text) ? await store.refs.get<string>(refNames.namedSnapshot(text)) : null;
  const digest = name?.value ?? (await completed(store, hex, which));
  const record = await store.refs.get<SnapshotRecord>(refNames.snapshot(digest));
  if (record === null) throw await unknown(store, which);
  return { digest, record: record.value, names: (await namesOf(store)).get(digest) ?? [] };
}

/** Newest first. */
export async function listSnapshots(store: Store): Promise<FoundSnapshot[]> {
  const names = await namesOf(store);
  const found: FoundSnapshot[] = [];
  for (const ref of await store.refs.list(byDigest)) {
    const digest = `sha256:${ref.slice(byDigest.length)}`;
    const record = await store.refs.get<SnapshotRecord>(ref);
    if (record !== null) found.push({ digest, record: record.value, names: names.get(digest) ?? [] });
  }
  return found.sort((a, b) => (a.record.createdAt < b.record.createdAt ? 1 : -1));
}

/** A name that cannot be taken for a digest or a path. */
export const isName = (text: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(text);

async function namesOf(store: Store): Promise<Map<string, string[]>> {
  const names = new Map<string, string[]>();
  for (const ref of await store.refs.list(named)) {
    const digest = (await store.refs.get<string>(ref))?.value;
    if (digest !== undefined) names.set(digest, [...(names.get(digest) ?? []), ref.slice(named.length)]);
  }
  return names;
}

async function completed(store: Store, hex: string, which: string): Promise<string> {
  if (/^[0-9a-f]{64}$/.test(hex)) return `sha256:${hex}`;
  const fits = /^[0-9a-f]{4,63}$/.test(hex) ? await store.refs.list(byDigest + hex) : [];
  const [found, second] = fits;
  if (second !== undefined)
    throw new AssayError('NotFound', `"${which}" is the beginning of ${fits.length} snapshots. Write more digits of the one you mean.`);
  if (found === undefined) throw await unknown(store, which);
  return `sha256:${found.slice(byDigest.length)}`;
}

async function unknown(store: Store, which: string): Promise<AssayError> {
  const names = [...(await namesOf(store)).values()].flat().sort();
  const known =
    names.length === 0 ? 'It has no named snapshots' : `Its names are ${names.slice(0, 8).join(', ')}${names.length > 8 ? ' …' : ''}`;
  return new AssayError('NotFound', `The store ${store.url} has no snapshot "${which}". ${known}; \`assay snapshot ls\` lists all.`);
}
