import type { Readable } from 'node:stream';
import { AssayError, mediaTypes } from '../contract';
import { inParallel } from './parallel';
import type { Store } from './store';

/** An object of unknown type that is larger is searched for digests, but those are not followed further. */
const parsedBytes = 32 << 20;
const atOnce = 8;

/** What the names of a store lead to. */
export interface Reached {
  has(digest: string): boolean;
  /** Number of different digests, whether or not the store has them. */
  size: number;
  /** A name that leads there; the first one found. */
  nameOf(digest: string): string | undefined;
  /** What a record names as an object with its size, so that it must be there. */
  certain(): Iterable<string>;
  /** Records on the way that are not there, or are damaged where damage is let pass. */
  unread: { digest: string; name: string; reason: string }[];
}

export interface ReachOptions {
  /** `stop` (default): what a damaged record leads to cannot be known, and the error is thrown; `note` goes on and lists it. */
  damage?: 'stop' | 'note';
  onProgress?: ((objects: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** How an object is read on: `unknown` is looked into, since a string alone tells no type. */
type Kind = 'json' | 'manifest' | 'unknown' | 'leaf';

interface Found {
  digest: string;
  kind: Kind;
  certain: boolean;
}

/**
 * Walks from the present value of every name: any `sha256:…` in it, and in the JSON objects and manifests that it leads to, is reached.
 * Too much is reached rather than too little: a digest in a text that is none of ours costs space, never data.
 */
export async function reach(store: Store, options: ReachOptions = {}): Promise<Reached> {
  const walk = new Walk(store, options);
  const names = await store.refs.list('');
  await inParallel(names, atOnce, async (name) => {
    options.signal?.throwIfAborted();
    const ref = await store.refs.get<unknown>(name).catch((error: unknown) => walk.noteDamage('', name, error));
    if (ref != null) await walk.from(name, ref.value);
  });
  return walk;
}

class Walk implements Reached {
  readonly #store: Store;
  readonly #options: ReachOptions;
  readonly #seen = new Map<string, { name: string; opened: boolean; certain: boolean }>();
  readonly unread: Reached['unread'] = [];

  constructor(store: Store, options: ReachOptions) {
    this.#store = store;
    this.#options = options;
  }

  has(digest: string): boolean {
    return this.#seen.has(compact(digest));
  }

  get size(): number {
    return this.#seen.size;
  }

  nameOf(digest: string): string | undefined {
    return this.#seen.get(compact(digest))?.name;
  }

  *certain(): Iterable<string> {
    for (const [key, { certain }] of this.#seen) if (certain) yield `sha256:${Buffer.from(key, 'latin1').toString('hex')}`;
  }

  async from(name: string, value: unknown): Promise<void> {
    const waiting = [...digestsIn(value)];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      this.#options.signal?.throwIfAborted();
      for (const found of await this.#visit(next, name)) waiting.push(found);
    }
  }

  noteDamage(digest: string, name: string, error: unknown): null {
    if (!(error instanceof AssayError) || error.type !== 'ObjectCorrupt' || this.#options.damage !== 'note') throw error;
    this.unread.push({ digest, name, reason: error.message });
    return null;
  }

  /** What it refers to, where it was not opened before. */
  async #visit({ digest, kind, certain }: Found, name: string): Promise<Iterable<Found>> {
    const key = compact(digest);
    const known = this.#seen.get(key);
    const opens = kind !== 'leaf' && known?.opened !== true;
    this.#seen.set(key, {
      name: known?.name ?? name,
      opened: opens || known?.opened === true,
      certain: certain || known?.certain === true,
    });
    if (known === undefined && this.#seen.size % 1_000 === 0) this.#options.onProgress?.(this.#seen.size);
    if (!opens) return [];
    try {
      return await read(await this.#store.stream({ digest }), kind);
    } catch (error) {
      // An image's digest, for instance, is none of an object.
      if (error instanceof AssayError && error.type === 'NotFound') {
        if (certain) this.unread.push({ digest, name, reason: error.message });
        return [];
      }
      return this.noteDamage(digest, name, error) ?? [];
    }
  }
}

/** Parses what is small enough, and searches the text of what is not. */
async function read(stream: Readable, kind: Exclude<Kind, 'leaf'>): Promise<Iterable<Found>> {
  const chunks: Buffer[] = [];
  let size = 0;
  const found = new Map<string, Found>();
  let tail = '';
  const search = (chunk: Buffer): void => {
    const text = tail + chunk.toString('latin1');
    for (const [digest] of text.matchAll(pattern)) found.set(compact(digest), { digest: copied(digest), kind: 'leaf', certain: false });
    tail = text.slice(-(digestLength - 1));
  };
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (kind === 'unknown' && size === 0 && !/^\s*[[{"]/.test(chunk.subarray(0, 64).toString('latin1'))) return [];
      size += chunk.length;
      if (kind !== 'manifest' && size <= parsedBytes) chunks.push(chunk);
      else for (const one of [...chunks.splice(0), chunk]) search(one);
    }
  } finally {
    stream.destroy();
  }
  if (kind === 'manifest' || size > parsedBytes) return found.values();
  try {
    return digestsIn(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [];
  }
}

function* digestsIn(value: unknown): Generator<Found> {
  if (typeof value === 'string') {
    for (const [digest] of value.matchAll(pattern)) yield { digest: copied(digest), kind: 'unknown', certain: false };
  } else if (Array.isArray(value)) {
    for (const item of value) yield* digestsIn(item);
  } else if (typeof value === 'object' && value !== null) {
    if (isManifest(value)) {
      for (const { digest } of value.files) yield { digest: copied(digest), kind: 'leaf', certain: true };
      return;
    }
    const { digest, size, mediaType } = value as { digest?: unknown; size?: unknown; mediaType?: unknown };
    const isRef = typeof digest === 'string' && whole.test(digest) && typeof size === 'number';
    if (isRef) yield { digest: copied(digest), kind: typeof mediaType === 'string' ? kindOf(mediaType) : 'unknown', certain: true };
    for (const [key, member] of Object.entries(value)) {
      yield* digestsIn(key);
      if (!(isRef && key === 'digest')) yield* digestsIn(member);
    }
  }
}

function kindOf(mediaType: string): Kind {
  if (mediaType === mediaTypes.manifest) return 'manifest';
  return mediaType === mediaTypes.json || mediaType.endsWith('+json') ? 'json' : 'leaf';
}

/** A folder's manifest leads to files, which are data whatever is in them. */
function isManifest(value: object): value is { files: { digest: string }[] } {
  const { files, ...rest } = value as { files?: unknown };
  if (!Array.isArray(files) || Object.keys(rest).length > 0) return false;
  return files.every(
    (file: { path?: unknown; digest?: unknown } | null) => typeof file?.path === 'string' && whole.test(String(file.digest)),
  );
}

const pattern = /sha256:[0-9a-f]{64}/g;
const whole = /^sha256:[0-9a-f]{64}$/;
const digestLength = 'sha256:'.length + 64;

/** A match keeps alive the text it was found in; its copy does not. */
const copied = (digest: string): string => Buffer.from(digest, 'latin1').toString('latin1');
/** 32 bytes instead of 71 characters: a million digests stay below 100 MB. */
export const compact = (digest: string): string => Buffer.from(digest.slice('sha256:'.length), 'hex').toString('latin1');
