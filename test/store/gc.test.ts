import { renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mediaTypes, type Ref } from '../../src/contract';
import { openStore, type Store } from '../../src/store';
import type { Backend } from '../../src/store/backend';
import { registersOf } from '../../src/store/consensus';
import { collectGarbage, type GcOptions, type GcReport } from '../../src/store/gc';
import { objectKey } from '../../src/store/keys';
import { Marks } from '../../src/store/marks';
import { thisProcess } from '../../src/store/owner';
import { filesBelow, flipBit, freshStore, objectPath, removeTemporaryFolders, replicatedStore, takeAway, temporaryFolder } from './helpers';

afterAll(removeTemporaryFolders);
// Hours pass here in milliseconds, so that no mark may be known from a minute ago.
beforeAll(() => {
  Marks.cacheMilliseconds = 0;
});

const hour = 3_600_000;
/** gc as if it were so many hours later. */
const gc = async (store: Store, hours: number, options: Partial<GcOptions> = {}): Promise<GcReport> =>
  await collectGarbage(store, { graceMilliseconds: hour, now: () => Date.now() + hours * hour, ...options });

const text = async (store: Store, content: string): Promise<Ref> => await store.put(content, mediaTypes.text);

function folderOf(contents: Record<string, string>): string {
  const dir = temporaryFolder();
  for (const [name, content] of Object.entries(contents)) writeFileSync(join(dir, name), content);
  return dir;
}

test('what no name leads to is marked, and deleted only when the grace has passed since', async () => {
  const { store, root } = freshStore();
  const kept = await text(store, 'kept');
  const lost = await text(store, 'lost');
  await store.refs.set('a', { data: kept }, null);
  expect(await gc(store, 0)).toMatchObject({ scanned: { objects: 2, bytes: 8 }, reachable: { objects: 1 }, marked: { objects: 0 } });
  expect(await gc(store, 2)).toMatchObject({ marked: { objects: 1, bytes: 4 }, deleted: { objects: 0 } });
  expect(await gc(store, 2.5)).toMatchObject({ marked: { objects: 0 }, waiting: { objects: 1 }, deleted: { objects: 0 } });
  expect(await gc(store, 4)).toMatchObject({ deleted: { objects: 1, bytes: 4 } });
  expect(filesBelow(join(root, 'objects'))).toEqual([objectKey(kept.digest).slice('objects/'.length)]);
  await expect(store.get(lost)).rejects.toMatchObject({ type: 'NotFound' });
  // When no late delete can come any more nothing is left of it.
  await gc(store, 6);
  expect((await new Marks(store.replicas[0]!).read(lost.digest.slice(7, 9))).size).toBe(0);
});

test('names lead through records, manifests and texts to all that they mention', async () => {
  const { store } = freshStore();
  const deep = await text(store, 'deep');
  const record = await store.putJson({ list: [{ deep }] });
  const folder = await store.putFolder(folderOf(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, `file ${i}`]))));
  const unknown = await store.putJson({ inside: (await text(store, 'by a string alone')).digest });
  const mentioned = await text(store, 'mentioned');
  // The reference says text, so that what it mentions is none of ours.
  const prose = await text(store, `see ${(await text(store, 'in prose')).digest}`);
  await store.refs.set('a', { record, folder, note: `it is ${unknown.digest} here`, [mentioned.digest]: 1, prose }, null);
  const report = await gc(store, 2);
  expect(report.marked).toMatchObject({ objects: 1, bytes: 'in prose'.length });
  await gc(store, 4);
  for (const ref of [deep, record, unknown, mentioned, prose]) expect(await store.has(ref)).toBe(true);
  await store.fetchFolder(folder, join(temporaryFolder(), 'back'));
});

test('former values of a name and removed names hold nothing', async () => {
  const { store } = freshStore();
  const [first, second, third] = [await text(store, 'first'), await text(store, 'second'), await text(store, 'third')];
  const version = await store.refs.set('a', first, null);
  await store.refs.set('a', second, version);
  await store.refs.remove('b', await store.refs.set('b', third, null));
  await gc(store, 2);
  await gc(store, 4);
  expect([await store.has(first), await store.has(second), await store.has(third)]).toEqual([false, true, false]);
});

test('a put or has on a marked object takes the mark back, so that it is not deleted', async () => {
  const { store } = freshStore();
  const put = await text(store, 'put again');
  const asked = await text(store, 'asked for');
  const untouched = await text(store, 'untouched');
  await gc(store, 2);
  await text(store, 'put again');
  expect(await store.has(asked)).toBe(true);
  expect(await gc(store, 4)).toMatchObject({ deleted: { objects: 1 } });
  expect([await store.has(put), await store.has(asked), await store.has(untouched)]).toEqual([true, true, false]);
});

test('a mark is taken back when a name leads there again', async () => {
  const { store } = freshStore();
  const ref = await text(store, 'found again');
  await gc(store, 2);
  await store.refs.set('a', ref, null);
  expect(await gc(store, 4)).toMatchObject({ revived: { objects: 1 }, deleted: { objects: 0 } });
  expect((await store.get(ref)).toString()).toBe('found again');
});

test('what was deleted is stored again under a new key, which a late delete of the old one does not hit', async () => {
  const { store, root } = freshStore();
  const ref = await text(store, 'back again');
  await gc(store, 2);
  await gc(store, 4);
  await text(store, 'back again');
  await store.refs.set('a', ref, null);
  await store.replicas[0]!.remove(objectKey(ref.digest));
  expect((await store.get(ref)).toString()).toBe('back again');
  expect(filesBelow(join(root, 'objects'))).toEqual([objectKey(ref.digest, 1).slice('objects/'.length)]);
  await gc(store, 6);
  await gc(store, 8);
  expect((await store.get(ref)).toString()).toBe('back again');
});

test('a deletion that a dead process began is finished, and what it was deleting can be stored meanwhile', async () => {
  const { store, root } = freshStore();
  const [lost, again] = [await text(store, 'lost'), await text(store, 'stored again')];
  const dead = { token: 'of a dead run', owner: { ...thisProcess(), boot: 'an earlier boot' } };
  const marks = new Marks(store.replicas[0]!);
  for (const { digest } of [lost, again])
    await marks.change(
      digest.slice(7, 9),
      (now) => now.set(digest.slice(7), { state: 'deleting', at: Date.now(), generation: 0, by: dead }).size > 0,
    );
  await store.refs.set('a', await text(store, 'stored again'), null);
  expect(await gc(store, 0)).toMatchObject({ deleted: { objects: 1 } });
  expect(filesBelow(join(root, 'objects'))).toEqual([objectKey(again.digest, 1).slice('objects/'.length)]);
  expect((await store.get(again)).toString()).toBe('stored again');
});

test('what a dead process began to delete and a name leads to is kept under a key of its own', async () => {
  const { store } = freshStore();
  const ref = await text(store, 'named after all');
  const dead = { token: 'of a dead run', owner: { ...thisProcess(), boot: 'an earlier boot' } };
  await new Marks(store.replicas[0]!).change(
    ref.digest.slice(7, 9),
    (now) => now.set(ref.digest.slice(7), { state: 'deleting', at: Date.now(), generation: 0, by: dead }).size > 0,
  );
  await store.refs.set('a', ref, null);
  await gc(store, 0);
  await store.replicas[0]!.remove(objectKey(ref.digest));
  expect((await store.get(ref)).toString()).toBe('named after all');
  await gc(store, 2);
  expect((await store.get(ref)).toString()).toBe('named after all');
});

test('a dry run changes nothing and lists what would go', async () => {
  const { store, root } = freshStore();
  const ref = await text(store, 'lost');
  expect((await gc(store, 2, { dryRun: true })).would).toEqual([{ digest: ref.digest, bytes: 4, act: 'mark' }]);
  expect(filesBelow(join(root, 'marks'))).toEqual([]);
  await gc(store, 2);
  expect((await gc(store, 4, { dryRun: true })).would).toEqual([{ digest: ref.digest, bytes: 4, act: 'delete' }]);
  expect(await store.has(ref)).toBe(true);
});

test('a pack stays while a member is live, is written anew when few are, and goes when none is', async () => {
  const { store, root } = freshStore();
  const contents = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`f${i}`, `member ${i} `.repeat(50)]));
  const folder = await store.putFolder(folderOf(contents));
  const version = await store.refs.set('all', folder, null);
  expect(filesBelow(join(root, 'packs'))).toHaveLength(1);
  await gc(store, 2);
  await gc(store, 4);
  const { files } = await store.getJson<{ files: { path: string; digest: string; size: number }[] }>(folder);
  const few = files.slice(0, 3);
  await store.refs.set('few', { few }, null);
  await store.refs.remove('all', version);
  expect(await gc(store, 6)).toMatchObject({ rewrittenPacks: 1, deleted: { objects: 0 } });
  for (const hours of [8, 10]) await gc(store, hours);
  expect(filesBelow(join(root, 'packs'))).toHaveLength(1);
  for (const { path, digest } of few) expect((await store.get({ digest })).toString()).toBe(contents[path]);
  const gone = files.at(-1)!;
  expect(await store.has(gone)).toBe(false);
  await store.refs.remove('few', '1');
  for (const hours of [12, 14]) await gc(store, hours);
  expect(filesBelow(join(root, 'packs'))).toEqual([]);
});

test('a damaged record stops the run before anything is deleted, since what it leads to is not known', async () => {
  const { store, root } = freshStore();
  const inside = await text(store, 'inside');
  const record = await store.putJson({ inside });
  await store.refs.set('a', record, null);
  await gc(store, 2);
  flipBit(objectPath(root, record), 5);
  await expect(gc(store, 4)).rejects.toMatchObject({
    type: 'ObjectCorrupt',
    message: expect.stringMatching(new RegExp(`^gc deletes nothing, since .*${record.digest} is damaged`)),
  });
});

test('a record that is not there is told with the name that leads to it', async () => {
  const { store } = freshStore();
  const record = await store.putJson({ gone: true });
  await store.refs.set('names/it', { record }, null);
  await store.delete(record.digest);
  expect((await gc(store, 2)).missing).toEqual([{ digest: record.digest, name: 'names/it' }]);
});

test('a grace under an hour is refused', async () => {
  await expect(gc(freshStore().store, 0, { graceMilliseconds: 60_000 })).rejects.toMatchObject({
    type: 'SpecInvalid',
    message: expect.stringContaining('The grace of gc is 60 s, and has to be at least 3600 s'),
  });
});

test('three replicas: with one away the rest is swept and the one that comes back later; with two away nothing is', async () => {
  const { store, roots } = replicatedStore();
  const kept = await text(store, 'kept');
  await text(store, 'lost');
  await store.refs.set('a', kept, null);
  await store.settle();
  const first = takeAway(roots[0]!);
  expect(await gc(store, 2)).toMatchObject({ marked: { objects: 1 }, away: [`file://${roots[0]}`] });
  const second = takeAway(roots[1]!);
  await expect(gc(store, 4)).rejects.toMatchObject({ type: 'StoreUnavailable' });
  second.back();
  expect(await gc(store, 4)).toMatchObject({ deleted: { objects: 1 } });
  first.back();
  const left = (): number[] => roots.map((root) => filesBelow(join(root, 'objects')).length);
  expect(left()).toEqual([2, 1, 1]);
  await gc(store, 6);
  expect(left()).toEqual([1, 1, 1]);
  expect((await store.get(kept)).toString()).toBe('kept');
});

test('a young object is not marked, however old the others are', async () => {
  const { store, root } = freshStore();
  const [old, young] = [await text(store, 'old'), await text(store, 'young')];
  const past = new Date(Date.now() - 2 * hour);
  utimesSync(objectPath(root, old), past, past);
  expect((await gc(store, 0, { dryRun: true })).would.map(({ digest }) => digest)).toEqual([old.digest]);
  expect(await store.has(young)).toBe(true);
});

test('a run that is broken off goes on where it was', async () => {
  const { store } = freshStore();
  for (let i = 0; i < 40; i++) await text(store, `lost ${i}`);
  await gc(store, 2);
  const controller = new AbortController();
  const broken = gc(store, 4, {
    signal: controller.signal,
    onProgress: ({ stage, done }) => stage === 'sweep' && done > 60 && controller.abort(),
  });
  await expect(broken).rejects.toMatchObject({ name: 'AbortError' });
  const { scanned, deleted } = await gc(store, 4);
  expect(scanned.objects).toBeLessThan(40);
  expect(deleted.objects).toBe(scanned.objects);
  expect((await gc(store, 4)).scanned.objects).toBe(0);
});

test.each([
  ['deleted', [2, 4]],
  ['deleted and forgotten', [2, 4, 6]],
])('what gc has %s while it was being stored again is stored all the same', async (_, hours) => {
  const { store, root } = freshStore();
  const [backend] = store.replicas as [Backend];
  const kept = await text(store, 'slow');
  const read = backend.read.bind(backend);
  const now = performance.now.bind(performance);
  const clock = jest.spyOn(performance, 'now');
  // Found there by the writer, who reads it for so long that gc comes by.
  backend.read = async (key) => {
    const stream = await read(key);
    if (key !== objectKey(kept.digest)) return stream;
    backend.read = read;
    for (const later of hours) await gc(store, later);
    clock.mockImplementation(() => now() + 6 * hour);
    return stream;
  };
  try {
    await text(store, 'slow');
  } finally {
    clock.mockRestore();
  }
  await store.refs.set('a', kept, null);
  for (const later of [7, 9, 11]) await gc(store, later);
  expect((await store.get(kept)).toString()).toBe('slow');
  expect(filesBelow(join(root, 'objects'))).toHaveLength(1);
});

test('a deletion whose beginning was written, but the answer lost and another writer there since, is carried out', async () => {
  const { store, root } = freshStore();
  const [backend] = store.replicas as [Backend];
  const lost = await text(store, 'lost');
  const shard = lost.digest.slice(7, 9);
  await gc(store, 2);
  const swap = backend.swap.bind(backend);
  backend.swap = async (key, bytes, expected) => {
    const tag = await swap(key, bytes, expected);
    if (key !== `marks/${shard}.json`) return tag;
    backend.swap = swap;
    await new Marks(backend).change(
      shard,
      (marks) => marks.set('of another'.padEnd(64), { state: 'gone', at: Date.now(), generation: 1, by: null }).size > 0,
    );
    return null;
  };
  expect(await gc(store, 4)).toMatchObject({ deleted: { objects: 1 } });
  expect(filesBelow(join(root, 'objects'))).toEqual([]);
});

test('the last sound copy stays, though it lies under a former key and others under the present one', async () => {
  const { store, roots } = replicatedStore();
  const ref = await text(store, 'the last one');
  await store.settle();
  await store.refs.set('a', ref, null);
  await new Marks(registersOf(store.replicas)).change(
    ref.digest.slice(7, 9),
    (now) => now.set(ref.digest.slice(7), { state: 'live', at: Date.now(), generation: 1, by: null }).size > 0,
  );
  const present = (root: string): string => join(root, objectKey(ref.digest, 1));
  for (const root of roots.slice(0, 2)) renameSync(objectPath(root, ref), present(root));
  for (const root of roots.slice(0, 2)) flipBit(present(root));
  await gc(store, 2);
  await gc(store, 4);
  expect((await openStore(store.url).get(ref)).toString()).toBe('the last one');
});

test('a repair writes no key that gc is deleting', async () => {
  const { store, roots } = replicatedStore();
  const ref = await text(store, 'going');
  await store.settle();
  const running = { token: 'of a run', owner: { ...thisProcess(), host: 'elsewhere' } };
  await new Marks(registersOf(store.replicas)).change(
    ref.digest.slice(7, 9),
    (now) => now.set(ref.digest.slice(7), { state: 'deleting', at: Date.now(), generation: 0, by: running }).size > 0,
  );
  rmSync(objectPath(roots[0]!, ref));
  const reader = openStore(store.url);
  expect((await reader.get(ref)).toString()).toBe('going');
  await reader.settle();
  expect(filesBelow(join(roots[0]!, 'objects'))).toEqual([]);
});
