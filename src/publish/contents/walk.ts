import { type Content, Manifest, mediaTypes, type Ref, type Result } from '../../contract';
import type { Store } from '../../store';
import { inParallel } from '../../store/parallel';
import { inspectObject } from './inspect';
import { groupOf, type Tally } from './report';

const atOnce = 8;
/** What is larger is hashed and, but for the list of a folder, not searched for further references. */
const parsedBytes = 64 << 20;

interface WalkOptions {
  /** Reads without repairing. */
  store: Store;
  onProgress?: (done: { files: number; bytes: number }) => void;
}

export interface Found {
  name: string;
  ref: Pick<Ref, 'digest' | 'size'> & Partial<Pick<Ref, 'mediaType'>>;
  /** The object that refers to it; the record where none does. */
  from?: string;
}

/** From references to objects, each hashed once, and on to what they refer to. */
export class Walk {
  readonly #options: WalkOptions;
  readonly #tally: Tally;
  readonly #names = new Map<string, string>();
  readonly #seen = new Map<string, { name: string; from: string; readable: boolean; value: unknown }>();
  readonly #done = { files: 0, bytes: 0 };

  constructor(options: WalkOptions, tally: Tally) {
    this.#options = options;
    this.#tally = tally;
  }

  name(contents: readonly Content[]): void {
    for (const { digest, name } of contents) if (!this.#names.has(digest)) this.#names.set(digest, name);
  }

  async result(ref: Ref | null): Promise<{ result: Result | null; leads: Found[] }> {
    if (ref === null) return { result: null, leads: [] };
    const leads = await this.#look({ name: 'result.json', ref });
    return { result: this.parsed<Result>(ref.digest), leads };
  }

  async visit(found: readonly Found[]): Promise<void> {
    for (let level: Found[] = [...found]; level.length > 0; ) {
      const next: Found[] = [];
      await inParallel(level, atOnce, async (one) => void next.push(...(await this.#look(one))));
      level = next;
    }
  }

  isReadable(digest: string): boolean {
    return this.#seen.get(digest)?.readable === true;
  }

  parsed<T>(digest: string): T | null {
    return (this.#seen.get(digest)?.value ?? null) as T | null;
  }

  /** Everything but the files of folders, which their manifest lists. */
  *seen(): Iterable<{ digest: string; name: string; from: string }> {
    for (const [digest, { name, from }] of this.#seen) if (!from.startsWith('folder ')) yield { digest, name, from };
  }

  async #look({ name: given, ref, from = 'the record' }: Found): Promise<Found[]> {
    const { digest, size } = ref;
    if (this.#seen.has(digest)) return [];
    const name = this.#names.get(digest) ?? given;
    const entry = { name, from, readable: false, value: null as unknown };
    this.#seen.set(digest, entry);
    const { readable, where, state } = await inspectObject(this.#options.store, digest);
    entry.readable = readable;
    this.#tally.count(groupOf(name), size);
    this.#done.files++;
    this.#done.bytes += size;
    this.#options.onProgress?.({ ...this.#done });
    for (const one of where)
      this.#tally.problem({ state: one.state, name, digest, detail: one.detail, mended: readable && one.state !== 'away' ? false : null });
    if (state === 'missing' && where.length === 0)
      this.#tally.problem({ state, name, digest, detail: `it is not in ${this.#options.store.url}`, mended: null });
    const leads = ref.mediaType === mediaTypes.manifest || size <= parsedBytes;
    return readable && leads ? await this.#open(entry, ref) : [];
  }

  /** Records and manifests lead on; what a trainer wrote is data, whatever is in it. */
  async #open(entry: { name: string; from: string; value: unknown }, ref: Found['ref']): Promise<Found[]> {
    const isManifest = ref.mediaType === mediaTypes.manifest;
    if (!isManifest && ref.mediaType !== mediaTypes.json) return [];
    let value: unknown;
    try {
      value = await this.#options.store.getJson(ref);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      if (isManifest) this.#tally.problem({ ...unread, name: entry.name, digest: ref.digest });
      return [];
    }
    if (isManifest) {
      const manifest = Manifest.safeParse(value);
      if (!manifest.success) this.#tally.problem({ ...unread, name: entry.name, digest: ref.digest });
      return (manifest.data?.files ?? []).map(({ path, digest, size }) => ({
        name: `${entry.name}/${path}`,
        ref: { digest, size },
        from: `folder ${entry.name}`,
      }));
    }
    const isRecord = entry.name === 'provenance.json' || String((value as { schema?: unknown } | null)?.schema).startsWith('assay.');
    if (!isRecord) return [];
    entry.value = value;
    // What the record alone names is none of the result's, nor is what that leads to.
    const from = entry.from.startsWith('kept') || entry.name.startsWith('record/') ? entry.from : entry.name;
    return refsIn(value).map(({ at, ref: inner }) => ({ name: `${entry.name}${at}`, ref: inner, from }));
  }
}

/** Its bytes are those that were stored, and the files of the folder cannot be found by them. */
const unread = { state: 'damaged', detail: 'it is no list of a folder, so that its files were not checked', mended: null } as const;

/** References anywhere in a plain value, with where they stand. */
export function refsIn(value: unknown, at = ''): { at: string; ref: Ref }[] {
  if (typeof value !== 'object' || value === null) return [];
  const { digest, size, mediaType } = value as Partial<Ref>;
  if (typeof digest === 'string' && /^sha256:[0-9a-f]{64}$/.test(digest) && typeof size === 'number' && typeof mediaType === 'string')
    return [{ at, ref: { digest, size, mediaType } }];
  return Object.entries(value).flatMap(([key, member]) => refsIn(member, `${at}/${key}`));
}
