// Proves: the maintenance of a store goes on where a worker died, repairs and names what it finds, and frees what ended experiments held.
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createMaintainActivities } from '../../src/activities/maintain';
import { pin } from '../../src/activities/pins';
import { type GcSummary, ids, mediaTypes, type Ref, refNames, type ScrubSummary } from '../../src/contract';
import type { Backend, Store } from '../../src/store';
import { flipBit, freshStore, objectPath, removeTemporaryFolders, replicatedStore } from '../store/helpers';

afterAll(removeTemporaryFolders);

const activities = (store: Store, hasEnded: (workflowId: string) => Promise<boolean> = async () => false) =>
  createMaintainActivities({ store, hasEnded });

/** As of a try whose predecessor told this in its last heartbeat. */
const environment = (heartbeatDetails?: unknown): MockActivityEnvironment =>
  new MockActivityEnvironment({ heartbeatDetails }, { logger: new DefaultLogger('ERROR') });

const many = async (store: Store): Promise<Ref[]> =>
  await Promise.all(Array.from({ length: 60 }, (_, i) => store.put(`content ${i}`, mediaTypes.text)));

describe('scrub', () => {
  it('repairs what another replica has, and names what none has', async () => {
    const { store, roots } = replicatedStore();
    const [one, everywhere] = await many(store);
    if (!one || !everywhere) throw new Error('nothing stored');
    await store.settle();
    flipBit(objectPath(roots[0] ?? '', one));
    for (const root of roots) flipBit(objectPath(root, everywhere));
    const found = (await environment().run(activities(store).scrubStore, {})) as ScrubSummary;
    expect(found).toMatchObject({ objects: 60, repaired: 1, lost: [everywhere.digest] });
    expect(found.sentence).toMatch(/^60 objects .* 1 copy repaired; 1 damaged in every replica\.$/);
    expect(await environment().run(activities(store).scrubStore, {})).toMatchObject({ repaired: 0, lost: [everywhere.digest] });
  });

  it('goes on where the worker before it was, as its heartbeat told', async () => {
    const { store } = freshStore();
    const left = (await many(store)).filter(({ digest }) => digest.slice(7, 9) >= '80').length;
    const env = environment({ next: '80', objects: 1, bytes: 1 });
    const beats: unknown[] = [];
    env.on('heartbeat', (details: unknown) => beats.push(details));
    expect(await env.run(activities(store).scrubStore, {})).toMatchObject({ objects: left });
    // A try that dies at once must not lose the place.
    expect(beats[0]).toMatchObject({ next: '80' });
  });

  it('tells in its heartbeats how far it is', async () => {
    const { store } = freshStore();
    const refs = await many(store);
    const sorted = refs.map(({ digest }) => digest).sort();
    const held = sorted[30] ?? '';
    const env = environment();
    const told = new Promise<{ next: string }>((resolve) => {
      env.on('heartbeat', (details?: { next: string }) => {
        if (details?.next === held.slice(7, 9)) resolve(details);
      });
    });
    // The object is not read before the heartbeat has told that its digits are next.
    const slow = withRead(store, async (key) => {
      if (key.endsWith(held.slice(9))) await told;
    });
    expect(await env.run(activities(slow).scrubStore, {})).toMatchObject({ objects: 60 });
    const { next } = await told;
    const rest = (await environment({ next }).run(activities(store).scrubStore, {})) as ScrubSummary;
    expect(rest.objects).toBe(sorted.filter((digest) => digest.slice(7, 9) >= next).length);
  });

  it('ends when it is cancelled', async () => {
    const { store } = freshStore();
    await many(store);
    const env = environment();
    env.cancel('CANCELLED');
    await expect(env.run(activities(store).scrubStore, {})).rejects.toThrow();
  });
});

describe('garbage collection', () => {
  it('takes away the pins of experiments that were ended from outside, and leaves those of open ones', async () => {
    const { store } = freshStore();
    const ref = await store.put('content', mediaTypes.text);
    for (const id of ['open-1', 'terminated-1', 'terminated-2']) await pin(store, id, [ref]);
    const asked: string[] = [];
    const hasEnded = async (workflowId: string): Promise<boolean> => {
      asked.push(workflowId);
      return workflowId !== ids.experimentWorkflow('open-1');
    };
    const done = (await environment().run(activities(store, hasEnded).collectGarbage, { graceSeconds: 3600 })) as GcSummary;
    expect(done).toMatchObject({ scanned: 1, reachable: 1, marked: 0, deleted: 0, deletedBytes: 0 });
    expect(asked.sort()).toEqual(['open-1', 'terminated-1', 'terminated-2'].map(ids.experimentWorkflow));
    expect(await store.refs.list('')).toEqual([refNames.pins('open-1')]);
    expect(done.sentence).toMatch(/^1 of 1 objects are reached by a name; 0 newly marked/);
  });

  it('takes nothing away where the server does not say whether an experiment is open', async () => {
    const { store } = freshStore();
    await pin(store, 'unknown-1', [await store.put('content', mediaTypes.text)]);
    const hasEnded = async (): Promise<boolean> => {
      throw new Error('the server is away');
    };
    await expect(environment().run(activities(store, hasEnded).collectGarbage, { graceSeconds: 3600 })).rejects.toThrow(
      'the server is away',
    );
    expect(await store.refs.list('')).toEqual([refNames.pins('unknown-1')]);
  });

  it('is refused a grace that would take what has no name yet', async () => {
    const { store } = freshStore();
    await expect(environment().run(activities(store).collectGarbage, { graceSeconds: 60 })).rejects.toMatchObject({
      type: 'SpecInvalid',
    });
  });
});

/** The same store, with something to wait for before an object is read. */
function withRead(store: Store, before: (key: string) => Promise<void>): Store {
  const bound = (target: object, key: string | symbol): unknown => {
    const value: unknown = Reflect.get(target, key);
    return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
  };
  const replicas = store.replicas.map(
    (replica) =>
      new Proxy(replica, {
        get: (target, key) =>
          key === 'read'
            ? async (...args: Parameters<Backend['read']>) => {
                await before(args[0]);
                return await target.read(...args);
              }
            : bound(target, key),
      }),
  );
  return new Proxy(store, { get: (target, key) => (key === 'replicas' ? replicas : bound(target, key)) });
}
