import type { Readable } from 'node:stream';
import { AssayError } from '../contract';
import type { Backend } from './backend';
import { asStoreError } from './files';
import { objectKey, packKey } from './keys';
import type { Marks } from './marks';
import type { PackIndex } from './packs';
import { Counted, inspect, openAt, type Place, placeName } from './place';
import type { Repairs } from './repairs';
import type { Replicas } from './replicas';
import type { Verification } from './store';

interface Fault {
  backend: Backend;
  place: Place;
  state: 'missing' | 'corrupt' | 'unavailable';
  detail: string;
  error?: unknown;
}

/** What happened on the reader's side, so that no other replica is tried. */
export class TargetFault extends Error {}

/** Finds an object's bytes in the first replica that has them sound, and has the others repaired. */
export class Reader {
  readonly #replicas: Replicas;
  readonly #marks: Marks;
  readonly #packs: PackIndex;
  readonly #repairs: Repairs;
  /** Copies that a stream found damaged when it had passed on their bytes already: the next one passes them over. */
  readonly #damaged = new Set<string>();

  constructor(replicas: Replicas, marks: Marks, packs: PackIndex, repairs: Repairs) {
    this.#replicas = replicas;
    this.#marks = marks;
    this.#packs = packs;
    this.#repairs = repairs;
  }

  /** `use` takes the bytes of one attempt; what it returns counts only where they were those of the digest. */
  async read<T>(digest: string, use: (chunks: AsyncIterable<Buffer>) => Promise<T>): Promise<T> {
    const faults: Fault[] = [];
    for await (const place of this.#places(digest)) {
      for (const backend of this.#replicas.order()) {
        const counted = new Counted();
        let stream: Readable | null = null;
        try {
          stream = await backend.read(place.key, place.range);
          if (stream === null) {
            faults.push({ backend, place, state: 'missing', detail: 'is missing' });
            continue;
          }
          const value = await use(counted.through(stream));
          this.#replicas.trust(backend);
          const found = counted.digest();
          if (found === digest) {
            this.#repair(faults, place);
            return value;
          }
          faults.push({ backend, place, state: 'corrupt', detail: `has ${counted.size} bytes with digest ${found}` });
        } catch (error) {
          if (error instanceof TargetFault) throw error.cause;
          faults.push(this.#unreachable(backend, place, error));
        } finally {
          stream?.destroy();
        }
      }
    }
    throw lost(digest, faults, this.#replicas.all.length);
  }

  /** In order as they come; another replica goes on where one fails on the way. Ends with ObjectCorrupt where the whole was not sound. */
  async *flow(digest: string): AsyncGenerator<Buffer> {
    const counted = new Counted();
    const faults: Fault[] = [];
    const passedOver: string[] = [];
    for await (const place of this.#places(digest))
      for (const backend of this.#replicas.order()) {
        const name = placeName(backend, place);
        // Only once, for it may have been mended since.
        if (this.#damaged.delete(name)) {
          passedOver.push(name);
          faults.push({ backend, place, state: 'corrupt', detail: 'was found damaged before' });
          continue;
        }
        let stream: Readable | null = null;
        try {
          stream = await openAt(backend, place, counted.size);
        } catch (error) {
          faults.push(this.#unreachable(backend, place, error));
          continue;
        }
        if (stream === null) {
          faults.push({ backend, place, state: 'missing', detail: 'is missing' });
          continue;
        }
        const chunks = counted.through(stream)[Symbol.asyncIterator]();
        try {
          let step = await this.#next(chunks, backend, place);
          for (; 'value' in step; step = await this.#next(chunks, backend, place)) yield step.value;
          if ('fault' in step) {
            faults.push(step.fault);
            continue;
          }
        } finally {
          stream.destroy();
        }
        const found = counted.digest();
        if (found === digest) {
          this.#repair(faults, place);
          for (const one of passedOver) this.#damaged.add(one);
          return;
        }
        if (this.#replicas.all.length > 1) this.#damaged.add(name);
        this.#repairs.later(place.key, place.digest);
        faults.push({ backend, place, state: 'corrupt', detail: `has ${counted.size} bytes with digest ${found}` });
        throw lost(digest, faults, this.#replicas.all.length);
      }
    throw lost(digest, faults, this.#replicas.all.length);
  }

  /** As each replica has it, at the first place where any has something. */
  async verify(digest: string, { repair = false }: { repair?: boolean } = {}): Promise<Verification> {
    let nothing: Verification | null = null;
    for await (const place of this.#places(digest)) {
      if (repair) await this.#repairs.now(place.key, place.digest);
      const inspected = await Promise.all(
        this.#replicas.all.map(async (backend) => ({ url: backend.url, ...(await inspect(backend, place, digest)) })),
      );
      if (inspected.some(({ state }) => state === 'sound' || state === 'corrupt')) return { digest, replicas: inspected };
      nothing ??= { digest, replicas: inspected };
    }
    return nothing ?? { digest, replicas: [] };
  }

  /** A later place is looked at only where the one before gave nothing. */
  async *#places(digest: string): AsyncGenerator<Place> {
    yield { key: objectKey(digest), digest };
    const generation = await this.#marks.generation(digest);
    if (generation > 0) yield { key: objectKey(digest, generation), digest };
    const tried = new Set<string>();
    for (let sure = false; ; ) {
      const found = await this.#find(digest, sure);
      if (found === null || tried.has(found.pack)) {
        if (sure) return;
        sure = true;
        continue;
      }
      const { pack, start, end } = found;
      tried.add(pack);
      yield { key: packKey(pack), digest: pack, range: { start, end } };
      const rewritten = await this.#marks.generation(pack);
      if (rewritten > 0) yield { key: packKey(pack, rewritten), digest: pack, range: { start, end } };
      // It may be gone: gc moved what was alive in it.
      this.#packs.drop(pack);
    }
  }

  /** A pack whose index is damaged in the replica that was asked may be sound in another. */
  async #find(digest: string, sure: boolean): Promise<{ pack: string; start: number; end: number } | null> {
    try {
      return await this.#packs.find(digest, { sure });
    } catch (error) {
      const pack = error instanceof AssayError && error.type === 'ObjectCorrupt' ? error.details?.['pack'] : undefined;
      if (typeof pack !== 'string' || this.#replicas.all.length === 1) throw error;
      await this.#repairs.now(packKey(pack, await this.#marks.generation(pack)), pack);
      return await this.#packs.find(digest, { sure });
    }
  }

  async #next(
    chunks: AsyncIterator<Buffer>,
    backend: Backend,
    place: Place,
  ): Promise<{ value: Buffer } | { fault: Fault } | Record<string, never>> {
    try {
      const step = await chunks.next();
      return step.done === true ? {} : { value: step.value };
    } catch (error) {
      return { fault: this.#unreachable(backend, place, error) };
    }
  }

  #unreachable(backend: Backend, place: Place, error: unknown): Fault {
    this.#replicas.blame(backend);
    const cause = asStoreError(error, placeName(backend, place));
    return { backend, place, state: 'unavailable', detail: `cannot be read (${(cause as Error).message})`, error: cause };
  }

  /** What another replica lacks at the place that served, and what is damaged at any. */
  #repair(faults: readonly Fault[], served: Place): void {
    const mended = faults.filter(({ place, state }) => state === 'corrupt' || (state === 'missing' && place.key === served.key));
    for (const { place } of mended) this.#repairs.later(place.key, place.digest);
  }
}

function lost(digest: string, faults: readonly Fault[], replicas: number): unknown {
  const corrupt = faults.filter(({ state }) => state === 'corrupt');
  const unavailable = faults.filter(({ state }) => state === 'unavailable');
  const [first] = faults;
  const name = ({ backend, place }: Fault): string => placeName(backend, place);
  if (replicas === 1) {
    const [bad] = corrupt;
    const [away] = unavailable;
    if (bad !== undefined) {
      // A server may go on to tell the digest of what it was given, so that storing it again would seem needless.
      const orAgain = bad.place.range === undefined ? ', or remove it there and store the data again' : '';
      return new AssayError(
        'ObjectCorrupt',
        `The object ${digest} is damaged: ${name(bad)} ${bad.detail}. Restore it from a backup${orAgain}.`,
      );
    }
    if (away !== undefined) return away.error;
    return new AssayError(
      'NotFound',
      `The object ${digest} is not in the store ${first?.backend.url} (${first && name(first)}). Look whether this is the store the record was written to.`,
    );
  }
  const [place] = [...corrupt, ...unavailable, ...faults];
  const said = faults
    .filter((fault) => fault.state !== 'missing' || fault.place.key === place?.place.key)
    .map((fault) => `${name(fault)} ${fault.detail}`)
    .join('; ');
  const all = faults.map(({ backend }) => backend.url).filter((url, i, urls) => urls.indexOf(url) === i);
  if (unavailable.length > 0)
    return new AssayError(
      'StoreUnavailable',
      `The object ${digest} is sound in no replica that answers: ${said}. Mend the one that does not answer, and the run goes on.`,
      { cause: unavailable[0]?.error },
    );
  if (corrupt.length > 0)
    return new AssayError(
      'ObjectCorrupt',
      `The object ${digest} is damaged, and sound in no replica: ${said}. Restore one of them from a backup or store the data again; the others are repaired from it.`,
    );
  return new AssayError(
    'NotFound',
    `The object ${digest} is not in the store, whose replicas are ${all.join(', ')}. Look whether this is the store the record was written to.`,
  );
}
