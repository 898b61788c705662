import type { Backend } from './backend';
import { writeHashed } from './files';
import { parseKey } from './keys';
import type { Marks } from './marks';
import { inspect } from './place';
import type { Replicas } from './replicas';
import type { Spool } from './spool';

/** Repairs going on at once, each of which reads its object in every replica. */
const atOnce = 2;

/** Copies what is sound in one replica to those where it is missing or damaged. */
export class Repairs {
  readonly #replicas: Replicas;
  readonly #spool: Spool;
  readonly #marks: Marks;
  readonly #enabled: boolean;
  readonly #going = new Map<string, Promise<void>>();
  readonly #slots: Promise<unknown>[] = Array.from({ length: atOnce }, () => Promise.resolve());
  #next = 0;

  constructor(replicas: Replicas, spool: Spool, marks: Marks, enabled = true) {
    this.#replicas = replicas;
    this.#spool = spool;
    this.#marks = marks;
    this.#enabled = enabled;
  }

  /** In the background; what fails is found again by the next reader, or by a scrub. */
  later(key: string, digest: string): void {
    if (!this.#enabled || this.#replicas.all.length === 1 || this.#going.has(key)) return;
    const slot = this.#next++ % atOnce;
    const work = (this.#slots[slot] as Promise<unknown>)
      .then(() => this.now(key, digest))
      .then(undefined, () => undefined)
      .finally(() => this.#going.delete(key));
    this.#slots[slot] = work;
    this.#going.set(key, work);
    void this.#replicas.later(work);
  }

  /** `digest` is that of all that lies under `key`. */
  async now(key: string, digest: string): Promise<void> {
    if (!this.#enabled) return;
    const place = { key, digest };
    const found = await Promise.all(this.#replicas.all.map(async (backend) => ({ backend, ...(await inspect(backend, place, digest)) })));
    const broken = found.filter(({ state }) => state === 'missing' || state === 'corrupt');
    const sound = found.find(({ state }) => state === 'sound')?.backend;
    if (sound === undefined || broken.length === 0) return;
    // A name that gc gives up, or has given up, is not written again. What slips in between is of a former generation, and goes with the next run.
    if (parseKey(key)?.generation !== (await this.#marks.writable(digest))) return;
    await this.#spool.use(async (path) => {
      const size = await copied(sound, key, digest, path);
      if (size === null) return;
      for (const { backend, state } of broken) {
        const source = { digest, size, from: path };
        if (state === 'corrupt') await backend.replace(key, source);
        else await backend.create(key, source);
      }
    });
  }
}

/** Null where it is no longer what it was. */
async function copied(backend: Backend, key: string, digest: string, path: string): Promise<number | null> {
  const stream = await backend.read(key);
  if (stream === null) return null;
  const hashed = await writeHashed(stream, path);
  return hashed.digest === digest ? hashed.size : null;
}
