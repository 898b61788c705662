// Proves: what an open experiment has stored outlives garbage collection until its record names it, and no longer.
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createControlActivities } from '../../src/activities';
import { unpin, pin, pinned, type Pins } from '../../src/activities/pins';
import { mediaTypes, type Ref, refNames } from '../../src/contract';
import { collectGarbage, type Refs, type Store } from '../../src/store';
import { Marks } from '../../src/store/marks';
import { freshStore, removeTemporaryFolders } from '../store/helpers';

afterAll(removeTemporaryFolders);
// Hours pass here in milliseconds, so that no mark may be known from a minute ago.
beforeAll(() => {
  Marks.cacheMilliseconds = 0;
});

const hour = 3_600_000;
let store: Store;
let later: number;

beforeEach(() => {
  ({ store } = freshStore());
  later = 0;
});

/** Marks what nothing reaches, and deletes what was marked before. */
async function gc(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) {
    later += 2 * hour;
    await collectGarbage(store, { graceMilliseconds: hour, now: () => Date.now() + later });
  }
}

const stored = async (): Promise<string[]> => {
  const digests: string[] = [];
  for await (const { digest } of store.list()) digests.push(digest);
  return digests.sort();
};

/** Runs it as an activity of this workflow, with the references pinned that it returns. */
const as = <T>(workflowId: string, work: () => Promise<T>): Promise<T> =>
  new MockActivityEnvironment({ workflowExecution: { workflowId, runId: 'r' } }, { logger: new DefaultLogger('ERROR') }).run(
    pinned(store, { work }).work,
  ) as Promise<T>;

const pins = async (experimentId: string): Promise<Ref[]> => (await store.refs.get<Pins>(refNames.pins(experimentId)))?.value.refs ?? [];

test('what an activity returned stays through gc, with all it leads to, until the record names it', async () => {
  const deep = await store.put('deep', mediaTypes.text);
  const returned = await as('assay/exp-1/a/seed-1', async () => ({ model: await store.putJson({ deep }), steps: 3 }));
  const forgotten = await as('assay/exp-1', async () => await store.put('named by no record', mediaTypes.text));
  await store.put('returned by nobody', mediaTypes.text);
  await gc();
  expect(await stored()).toEqual([deep.digest, returned.model.digest, forgotten.digest].sort());

  await store.refs.set(refNames.experiment('exp-1'), { result: returned.model }, null);
  await unpin(store, 'exp-1');
  await gc();
  expect(await stored()).toEqual([deep.digest, returned.model.digest].sort());
});

test('the record of an experiment that ended keeps every reference of its history, also where its end is published twice', async () => {
  const control = createControlActivities({ store });
  const put = (content: string): Promise<Ref> => store.put(content, mediaTypes.text);
  const [snapshot, result, report] = await Promise.all(['snapshot', 'result', 'report'].map(put));
  if (!snapshot || !result || !report) throw new Error('nothing stored');
  await store.refs.set(refNames.experiment('exp-1'), { experimentId: 'exp-1', status: 'running' }, null);
  const ofRun = await as('assay/exp-1/a/seed-1', async () => await put('the record of a run, which the result does not name'));
  const splits = { train: 1, validation: 1, test: 1 };
  const verdict = { outcome: 'keep' as const, harm: false, variant: null, sentence: '', reasons: [] };
  const ended = { experimentId: 'exp-1', name: 'exp', snapshot: { ref: snapshot, rows: 3, splits }, result, report, verdict };
  await control.publishResult(ended);
  await control.publishResult(ended);
  expect(await store.refs.get(refNames.pins('exp-1'))).toBeNull();
  await gc();
  expect((await store.get(ofRun)).toString()).toContain('record of a run');
});

test('references are found wherever they stand in an answer, each digest once', async () => {
  const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((content) => store.put(content, mediaTypes.text)));
  await as('assay/exp-1', async () => ({ a, list: [{ b }, [c, a]], none: null, digest: a?.digest }));
  await as('assay/exp-1', async () => b);
  expect(await pins('exp-1')).toEqual([a, b, c]);
});

test('activities that end at once pin what all of them returned', async () => {
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, i) => as(`assay/exp-1/a/seed-${i}`, async () => await store.put(`content ${i}`, mediaTypes.text))),
  );
  expect((await pins('exp-1')).map(({ digest }) => digest).sort()).toEqual(answers.map(({ digest }) => digest).sort());
});

test('an activity that fails, returns no reference or belongs to no experiment pins nothing', async () => {
  await as('assay/exp-1', async () => ({ rows: 3 }));
  await as('elsewhere', async () => await store.put('a', mediaTypes.text));
  await expect(
    as('assay/exp-1', async () => {
      await store.put('b', mediaTypes.text);
      throw new Error('the disk was full');
    }),
  ).rejects.toThrow('the disk was full');
  expect(await store.refs.list('')).toEqual([]);
});

test('the end of the experiment takes away what a late activity pins meanwhile, and leaves other experiments their pins', async () => {
  const [early, late] = [await store.put('early', mediaTypes.text), await store.put('late', mediaTypes.text)];
  await pin(store, 'exp-1', [early]);
  await pin(store, 'exp-10', [early]);
  let before = 1;
  const meanwhile = over(store, {
    refs: over(store.refs, {
      async get<T>(name: string) {
        const found = await store.refs.get<T>(name);
        if (before-- > 0) await pin(store, 'exp-1', [late]);
        return found;
      },
    }) satisfies Refs,
  });
  await unpin(meanwhile, 'exp-1');
  expect(await store.refs.list(refNames.pins(''))).toEqual([refNames.pins('exp-10')]);
  await unpin(store, 'exp-1');
});

/** The same object with some of its parts replaced. */
const over = <T extends object>(object: T, parts: Partial<T>): T =>
  new Proxy(object, {
    get(target, key) {
      if (Object.hasOwn(parts, key)) return Reflect.get(parts, key) as unknown;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
