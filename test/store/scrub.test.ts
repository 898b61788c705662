import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mediaTypes } from '../../src/contract';
import { consensus } from '../../src/store/consensus';
import { collectGarbage } from '../../src/store/gc';
import { Marks } from '../../src/store/marks';
import { scrub } from '../../src/store/scrub';
import { storeStats } from '../../src/store/stats';
import { filesBelow, flipBit, freshStore, objectPath, removeTemporaryFolders, replicatedStore, takeAway, temporaryFolder } from './helpers';

afterAll(removeTemporaryFolders);
beforeAll(() => {
  Marks.cacheMilliseconds = 0;
});

const folderOfSmallFiles = (): string => {
  const dir = temporaryFolder();
  for (let i = 0; i < 20; i++) writeFileSync(join(dir, `f${i}`), `small file ${i}`);
  return dir;
};

test('a flipped bit and a missing copy in one replica are found and repaired from another', async () => {
  const { store, roots } = replicatedStore();
  const flipped = await store.put('flipped in one', mediaTypes.text);
  const missing = await store.put('missing in one', mediaTypes.text);
  const sound = await store.put('sound', mediaTypes.text);
  await store.settle();
  flipBit(objectPath(roots[1]!, flipped), 3);
  rmSync(objectPath(roots[2]!, missing));
  const found = await scrub(store, { repair: false });
  expect(found).toMatchObject({ checked: { objects: 3 }, repaired: [], damaged: [] });
  expect(found.repairable.map(({ url, was }) => [url, was]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1))).toEqual([
    [`file://${roots[1]}`, 'corrupt'],
    [`file://${roots[2]}`, 'missing'],
  ]);
  expect((await scrub(store)).repaired).toHaveLength(2);
  for (const root of roots)
    for (const [ref, content] of [
      [flipped, 'flipped in one'],
      [missing, 'missing in one'],
      [sound, 'sound'],
    ] as const)
      expect(readFileSync(objectPath(root, ref), 'utf8')).toBe(content);
  expect(await scrub(store)).toMatchObject({ repaired: [], repairable: [], damaged: [], missing: [], away: [] });
});

test('an object that is damaged everywhere is named, with what each replica has and a name that leads to it', async () => {
  const { store, roots } = replicatedStore();
  const ref = await store.put('precious', mediaTypes.text);
  await store.refs.set('experiments/e', { record: await store.putJson({ ref }) }, null);
  await store.settle();
  for (const root of roots) flipBit(objectPath(root, ref), 2);
  const { damaged, repaired } = await scrub(store);
  expect(repaired).toEqual([]);
  expect(damaged).toMatchObject([
    { digest: ref.digest, names: ['experiments/e'], replicas: roots.map((root) => ({ url: `file://${root}`, state: 'corrupt' })) },
  ]);
  expect(damaged[0]?.replicas[0]?.detail).toContain('has 8 bytes with digest sha256:');
});

test('a damaged pack is repaired, and one that is damaged everywhere is told with the names of its members', async () => {
  const { store, roots } = replicatedStore();
  await store.refs.set('data', await store.putFolder(folderOfSmallFiles()), null);
  await store.settle();
  const packs = (root: string): string[] => readdirSync(join(root, 'packs')).map((name) => join(root, 'packs', name));
  flipBit(packs(roots[0]!)[0]!, 4);
  expect((await scrub(store)).repaired).toMatchObject([{ url: `file://${roots[0]}`, was: 'corrupt' }]);
  for (const root of roots) flipBit(packs(root)[0]!, 4);
  expect((await scrub(store)).damaged).toMatchObject([{ key: expect.stringMatching(/^packs\//), names: ['data'] }]);
});

test('what a record says is stored and is nowhere is told with the name that leads to it', async () => {
  const { store, root } = freshStore();
  const ref = await store.put('will be lost', mediaTypes.text);
  const image = `sha256:${'1'.repeat(64)}`;
  await store.refs.set('runs/r', { ref, image: `registry/name@${image}` }, null);
  rmSync(objectPath(root, ref));
  expect((await scrub(store)).missing).toEqual([{ digest: ref.digest, names: ['runs/r'] }]);
});

test('names are brought up to date in a replica that was away, and a damaged one is mended or told', async () => {
  const { store, roots } = replicatedStore();
  await store.refs.set('a', { n: 1 }, null);
  // Waits for the third replica, which the write did not.
  await consensus(store.replicas).repair('refs/a.json');
  const away = takeAway(roots[2]!);
  await store.refs.set('a', { n: 2 }, '1');
  expect((await scrub(store)).away).toEqual([`file://${roots[2]}`]);
  away.back();
  expect((await scrub(store)).names).toMatchObject({ repaired: [{ key: 'refs/a.json', url: `file://${roots[2]}` }], damaged: [] });
  expect(readFileSync(join(roots[2]!, 'refs/a.json'), 'utf8')).toContain('"n":2');
  for (const root of roots) writeFileSync(join(root, 'refs/a.json'), 'no JSON');
  expect((await scrub(store)).names.damaged).toMatchObject([{ key: 'refs/a.json' }]);
});

test('a damaged name in a single store is told with its file', async () => {
  const { store, root } = freshStore();
  await store.refs.set('a', { n: 1 }, null);
  writeFileSync(join(root, 'refs/a.json'), '{"version":1,');
  expect((await scrub(store)).names.damaged).toMatchObject([
    { key: 'refs/a.json', reason: expect.stringContaining(join(root, 'refs/a.json')) },
  ]);
});

test('a scrub that was broken off goes on where its progress said', async () => {
  const { store, root } = freshStore();
  for (let i = 0; i < 30; i++) await store.put(`object ${i}`, mediaTypes.text);
  const controller = new AbortController();
  let next = '';
  let first = 0;
  const broken = scrub(store, {
    signal: controller.signal,
    onProgress: (progress) => {
      if (progress.objects >= 10 && !controller.signal.aborted) {
        next = progress.next;
        first = progress.objects;
        controller.abort();
      }
    },
  });
  await expect(broken).rejects.toMatchObject({ name: 'AbortError' });
  expect((await scrub(store, { from: next })).checked.objects).toBe(30 - first);
  expect(filesBelow(join(root, 'objects'))).toHaveLength(30);
  await expect(scrub(store, { from: 'zz' })).rejects.toMatchObject({ type: 'SpecInvalid' });
});

test('a scrub does not bring back what gc has deleted in the other replicas', async () => {
  const { store, roots } = replicatedStore();
  await store.put('lost', mediaTypes.text);
  await store.settle();
  const late = (hours: number): Promise<unknown> =>
    collectGarbage(store, { graceMilliseconds: 3_600_000, now: () => Date.now() + hours * 3_600_000 });
  const away = takeAway(roots[0]!);
  await late(2);
  await late(4);
  away.back();
  expect(await scrub(store)).toMatchObject({ repaired: [], missing: [] });
  expect(roots.map((root) => filesBelow(join(root, 'objects')).length)).toEqual([1, 0, 0]);
});

test('stats count objects, packs, their members, names and marks, by replica', async () => {
  const { store, roots } = replicatedStore();
  await store.refs.set('a', await store.putFolder(folderOfSmallFiles()), null);
  await store.put('lost', mediaTypes.text);
  await store.settle();
  await collectGarbage(store, { graceMilliseconds: 3_600_000, now: () => Date.now() + 7_200_000 });
  takeAway(roots[1]!);
  const stats = await storeStats(store);
  expect(stats).toMatchObject({ objects: 2, packs: 1, packed: 20, names: 1, marked: 1 });
  expect(stats.replicas).toEqual([
    { url: `file://${roots[0]}`, objects: 2, packs: 1, bytes: stats.bytes },
    { url: `file://${roots[1]}`, objects: null, packs: null, bytes: null },
    { url: `file://${roots[2]}`, objects: 2, packs: 1, bytes: stats.bytes },
  ]);
});
