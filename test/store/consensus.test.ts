import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssayError } from '../../src/contract';
import type { Backend } from '../../src/store/backend';
import { consensus } from '../../src/store/consensus';
import { FileBackend } from '../../src/store/file';
import { NamedRefs } from '../../src/store/refs';
import { churn } from './churn';
import { ended, removeTemporaryFolders, takeAway as removeDisk, temporaryFolder } from './helpers';

afterAll(removeTemporaryFolders);

const three = (): FileBackend[] => {
  const dir = temporaryFolder();
  return ['a', 'b', 'c'].map((name) => new FileBackend(`file://${join(dir, name)}`));
};
const rootOf = (backend: Backend): string => fileURLToPath(backend.url);

const takeAway = (backend: Backend | undefined): (() => void) => removeDisk(rootOf(backend as Backend)).back;

const count = async (refs: NamedRefs, name: string, times: number): Promise<void> => {
  for (let i = 0; i < times; i++) await refs.update<number>(name, (old) => (old ?? 0) + 1);
};

test('24 writers in four processes that add one five times each over three replicas lose no count', async () => {
  const replicas = three();
  const url = replicas.map((replica) => replica.url).join(',');
  const racers = Array.from({ length: 4 }, () => churn('count', [url, 'counter', '6', '5']));
  expect(await Promise.all(racers.map(ended))).toEqual([0, 0, 0, 0]);
  const refs = new NamedRefs(consensus(replicas));
  expect(await refs.get('counter')).toEqual({ value: 120, version: '120' });
  expect((await refs.history<number>('counter'))[0]).toMatchObject({ value: 119, version: '119' });
});

test('with one replica away from the beginning names are created, changed, listed and removed', async () => {
  const replicas = three();
  takeAway(replicas[1]);
  const refs = new NamedRefs(consensus(replicas));
  const first = await refs.set('runs/one', { n: 1 }, null);
  await refs.set('runs/two', { n: 2 }, null);
  await refs.set('runs/one', { n: 3 }, first);
  await refs.remove('runs/two', '1');
  expect(await refs.list('runs/')).toEqual(['runs/one']);
  expect(await refs.get('runs/one')).toEqual({ value: { n: 3 }, version: '2' });
  expect(await refs.get('runs/two')).toBeNull();
});

test('a replica that comes back stale is outvoted, and repair brings it up to date', async () => {
  const replicas = three();
  const registers = consensus(replicas);
  const refs = new NamedRefs(registers);
  await count(refs, 'counter', 3);
  const bringBack = takeAway(replicas[2]);
  await count(refs, 'counter', 3);
  bringBack();
  // Another one goes, so that the stale replica is needed for the majority.
  const bringBackFirst = takeAway(replicas[0]);
  expect((await refs.get<number>('counter'))?.value).toBe(6);
  await count(refs, 'counter', 1);
  bringBackFirst();
  expect(await registers.repair('refs/counter.json')).toEqual({ repaired: [replicas[0]?.url], away: [] });
  expect(await registers.repair('refs/counter.json')).toEqual({ repaired: [], away: [] });
  for (const replica of replicas)
    expect(JSON.parse(readFileSync(join(rootOf(replica), 'refs/counter.json'), 'utf8')).value).toMatchObject({ value: 7, version: 7 });
});

test('writers go on while a replica goes away in their midst and comes back', async () => {
  const replicas = three();
  const writers = Array.from({ length: 4 }, () => count(new NamedRefs(consensus(replicas)), 'counter', 10));
  const refs = new NamedRefs(consensus(replicas));
  while (((await refs.get<number>('counter'))?.value ?? 0) < 10);
  const bringBack = takeAway(replicas[0]);
  while (((await refs.get<number>('counter'))?.value ?? 0) < 25);
  bringBack();
  await Promise.all(writers);
  expect((await refs.get<number>('counter'))?.value).toBe(40);
});

test('without a majority each replica is named with its reason', async () => {
  const replicas = three();
  const refs = new NamedRefs(consensus(replicas));
  await refs.set('a', 1, null);
  takeAway(replicas[0]);
  takeAway(replicas[2]);
  for (const act of [() => refs.get('a'), () => refs.set('a', 2, '1'), () => refs.list('')])
    await expect(act()).rejects.toMatchObject({
      type: 'StoreUnavailable',
      message: expect.stringMatching(/2 of 3 must answer\. file:.*\/a: .*ENOTDIR.*file:.*\/b: answers; file:.*\/c: .*ENOTDIR/s),
    });
});

test('what a store of one replica held is read and changed when it has grown to three', async () => {
  const replicas = three();
  const alone = new NamedRefs(replicas[0] as Backend);
  await alone.set('kept', { n: 1 }, null);
  await alone.set('changed', { n: 1 }, null);
  const grown = new NamedRefs(consensus(replicas));
  expect(await grown.list('')).toEqual(['changed', 'kept']);
  expect(await grown.get('kept')).toEqual({ value: { n: 1 }, version: '1' });
  await expect(grown.set('changed', { n: 2 }, null)).rejects.toMatchObject({ name: 'RefConflict', actual: '1' });
  await grown.set('changed', { n: 2 }, '1');
  takeAway(replicas[0]);
  expect(await grown.get('changed')).toEqual({ value: { n: 2 }, version: '2' });
  expect(await grown.get('kept')).toEqual({ value: { n: 1 }, version: '1' });
});

test('one replica alone of a store of three is refused, since it may be behind', async () => {
  const replicas = three();
  await new NamedRefs(consensus(replicas)).set('a', 1, null);
  await expect(new NamedRefs(replicas[0] as Backend).get('a')).rejects.toMatchObject({
    type: 'Unsupported',
    message: expect.stringContaining('Give all of them in ASSAY_STORE'),
  });
});

test('a flipped bit in what one replica keeps of a name is noticed, outvoted and repaired', async () => {
  const replicas = three();
  const registers = consensus(replicas);
  const refs = new NamedRefs(registers);
  await refs.set('a', { text: 'precious' }, null);
  await registers.repair('refs/a.json');
  const path = join(rootOf(replicas[0] as Backend), 'refs/a.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace('precious', 'previous'));
  expect((await refs.get('a'))?.value).toEqual({ text: 'precious' });
  expect(await registers.repair('refs/a.json')).toEqual({ repaired: [replicas[0]?.url], away: [] });
  expect(readFileSync(path, 'utf8')).toContain('precious');
});

test.each(Array.from({ length: 40 }, (_, i) => i + 1))(
  'no increment is lost or counted twice, and none is seen out of order, whatever answers are late or lost (order %i)',
  async (seed) => {
    const random = generator(seed);
    const replicas = Array.from({ length: 3 }, (_, i) => new ShakyReplica(`shaky://${i}`, random));
    const writers = 3 + (seed % 3);
    const done: { began: number; ended: number; value: number }[] = [];
    let clock = 0;
    let unknown = 0;
    const read = async (registers: ReturnType<typeof consensus>): Promise<{ value: number; tag: string | null }> => {
      const found = await registers.load('marks/x.json');
      return found === null ? { value: 0, tag: null } : { value: (JSON.parse(found.bytes.toString()) as { n: number }).n, tag: found.tag };
    };
    const write = async (writer: number): Promise<void> => {
      const registers = consensus(replicas as unknown as Backend[]);
      for (let i = 0; i < 4; i++) {
        const began = ++clock;
        try {
          for (;;) {
            const { value, tag } = await read(registers);
            const op = `${writer}.${i}.${++clock}`;
            if ((await registers.swap('marks/x.json', Buffer.from(JSON.stringify({ n: value + 1, op })), tag)) === null) continue;
            done.push({ began, ended: ++clock, value: value + 1 });
            break;
          }
        } catch (error) {
          expect(error).toMatchObject({ type: 'StoreUnavailable' });
          unknown++;
        }
      }
    };
    await Promise.all(Array.from({ length: writers }, (_, i) => write(i)));
    for (const replica of replicas) replica.calm = true;
    const { value } = await read(consensus(replicas as unknown as Backend[]));
    expect(new Set(done.map((one) => one.value)).size).toBe(done.length);
    expect(value).toBeGreaterThanOrEqual(done.length);
    expect(value).toBeLessThanOrEqual(done.length + unknown);
    for (const a of done) for (const b of done) if (a.ended < b.began) expect(a.value).toBeLessThan(b.value);
  },
);

/** Answers in an order that the seed decides; some answers are errors, before or after what was asked for was done. */
class ShakyReplica implements Pick<Backend, 'url' | 'load' | 'swap'> {
  readonly url: string;
  readonly #random: () => number;
  readonly #values = new Map<string, { bytes: Buffer; tag: string }>();
  #writes = 0;
  calm = false;

  constructor(url: string, random: () => number) {
    this.url = url;
    this.#random = random;
  }

  async load(key: string): Promise<{ bytes: Buffer; tag: string } | null> {
    await this.#late();
    this.#fail(0.05);
    const found = this.#values.get(key) ?? null;
    await this.#late();
    return found;
  }

  async swap(key: string, bytes: Buffer, expected: string | null): Promise<string | null> {
    await this.#late();
    this.#fail(0.05);
    if ((this.#values.get(key)?.tag ?? null) !== expected) return null;
    const tag = `${this.url}-${++this.#writes}`;
    this.#values.set(key, { bytes, tag });
    await this.#late();
    this.#fail(0.08);
    return tag;
  }

  async #late(): Promise<void> {
    for (let turns = Math.floor(this.#random() ** 4 * 60); turns > 0; turns--) await new Promise(setImmediate);
  }

  #fail(share: number): void {
    if (!this.calm && this.#random() < share) throw new AssayError('StoreUnavailable', `${this.url} does not answer`);
  }
}

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed * 0x9e3779b1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
