// Proves: a store over three folders keeps its promises while one of them is away, stale or damaged, and says what is wrong when two are.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { AssayError, type Manifest, mediaTypes } from '../../src/contract';
import { openStore } from '../../src/store';
import { filesBelow, flipBit, objectPath, removeTemporaryFolders, replicatedStore, takeAway, temporaryFolder } from './helpers';

afterAll(removeTemporaryFolders);

const copies = (roots: string[], ref: { digest: string }): (string | null)[] =>
  roots.map((root) => {
    try {
      return readFileSync(objectPath(root, ref), 'utf8');
    } catch {
      return null;
    }
  });

test('whatever is stored is in all three once the store has settled, and nothing temporary is left', async () => {
  const { store, roots } = replicatedStore();
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, 'of a file');
  const refs = [
    await store.put('of a text', mediaTypes.text),
    await store.put(Readable.from([Buffer.from('of a '), Buffer.from('stream')]), mediaTypes.text),
    await store.putFile(file, mediaTypes.text),
  ];
  await store.settle();
  expect(refs.map((ref) => copies(roots, ref))).toEqual([
    Array(3).fill('of a text'),
    Array(3).fill('of a stream'),
    Array(3).fill('of a file'),
  ]);
  for (const root of roots) expect(filesBelow(join(root, 'tmp'))).toEqual([]);
});

test.each([0, 1, 2])(
  'with replica %i away from the beginning everything works, and what it missed is repaired when it is read',
  async (which) => {
    const { store, roots } = replicatedStore();
    const away = takeAway(roots[which]!);
    const bytes = randomBytes(2 << 20);
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, bytes);
    const refs = [
      await store.put('small', mediaTypes.text),
      await store.put(Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)]), mediaTypes.bytes),
      await store.putFile(file, mediaTypes.bytes),
    ];
    expect(await store.refs.set('name', 1, null)).toBeTruthy();
    expect((await store.get(refs[1]!)).equals(bytes)).toBe(true);
    expect(await store.has(refs[0]!)).toBe(true);
    expect(await store.has({ digest: `sha256:${'0'.repeat(64)}` })).toBe(false);
    await store.settle();
    away.back();
    const later = openStore(store.url);
    for (const ref of refs) await buffer(await later.stream(ref));
    await later.settle();
    // The first in the order is asked first; one that is not asked is not known to miss anything.
    if (which === 0) for (const ref of refs) expect(copies(roots, ref)).not.toContain(null);
    else expect((await later.verify(refs[0]!.digest)).replicas[which]?.state).toBe('missing');
  },
);

test('with two replicas away a put is StoreUnavailable, naming both, and goes through once one is back', async () => {
  const { store, roots } = replicatedStore();
  const ref = await store.put('before', mediaTypes.text);
  await store.settle();
  const [first] = [takeAway(roots[0]!), takeAway(roots[2]!)];
  await expect(store.put('now', mediaTypes.text)).rejects.toMatchObject({
    type: 'StoreUnavailable',
    message: expect.stringMatching(new RegExp(`only 1 of 3 replicas, 2 are needed.*file://${roots[0]}.*file://${roots[2]}`)),
  });
  await expect(store.has({ digest: `sha256:${'0'.repeat(64)}` })).rejects.toMatchObject({ type: 'StoreUnavailable' });
  await expect(store.list()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ type: 'StoreUnavailable' });
  // One copy that verifies is enough for a reader.
  expect((await store.get(ref)).toString()).toBe('before');
  first!.back();
  expect((await store.get(await store.put('now', mediaTypes.text))).toString()).toBe('now');
});

test('what might lie in a replica that is away is not called missing', async () => {
  const { store, roots } = replicatedStore();
  takeAway(roots[1]!);
  await expect(store.get({ digest: `sha256:${'0'.repeat(64)}` })).rejects.toMatchObject({
    type: 'StoreUnavailable',
    message: expect.stringContaining(roots[1]!),
  });
});

test('a bit flipped in one replica is found by whoever reads it, who gets the sound bytes, and is repaired', async () => {
  const { store, roots } = replicatedStore();
  const ref = await store.put('precious', mediaTypes.text);
  for (const read of [
    async () => (await store.get(ref)).toString(),
    async () => {
      const target = join(temporaryFolder(), 'out');
      await store.fetchTo(ref, target);
      return readFileSync(target, 'utf8');
    },
  ]) {
    await store.settle();
    flipBit(objectPath(roots[0]!, ref));
    expect((await store.verify(ref.digest)).replicas.map(({ state }) => state)).toEqual(['corrupt', 'sound', 'sound']);
    expect(await read()).toBe('precious');
    await store.settle();
    expect(copies(roots, ref)).toEqual(Array(3).fill('precious'));
  }
});

test('a stream that met damage ends with an error, and the next one is whole, since it was repaired', async () => {
  const { store, roots } = replicatedStore();
  const bytes = randomBytes(3 << 20);
  const ref = await store.put(bytes, mediaTypes.bytes);
  await store.settle();
  flipBit(objectPath(roots[0]!, ref), 2 << 20);
  await expect(buffer(await store.stream(ref))).rejects.toMatchObject({ type: 'ObjectCorrupt' });
  await store.settle();
  expect((await buffer(await store.stream(ref))).equals(bytes)).toBe(true);
});

test('a bit flipped in all replicas is named with each, and nothing is handed out', async () => {
  const { store, roots } = replicatedStore();
  const ref = await store.put('precious', mediaTypes.text);
  await store.settle();
  for (const root of roots) flipBit(objectPath(root, ref));
  await expect(store.get(ref)).rejects.toMatchObject({
    type: 'ObjectCorrupt',
    message: expect.stringMatching(
      new RegExp(`${ref.digest} is damaged.*${roots.map((root) => objectPath(root, ref)).join('.*')}.*Restore`),
    ),
  });
});

test('an object missing in one replica is read from another and put back', async () => {
  const { store, roots } = replicatedStore();
  const ref = await store.put('precious', mediaTypes.text);
  await store.settle();
  rmSync(objectPath(roots[0]!, ref));
  expect(await store.has(ref)).toBe(true);
  expect((await store.get(ref)).toString()).toBe('precious');
  await store.settle();
  expect(copies(roots, ref)).toEqual(Array(3).fill('precious'));
});

test('an object that only a minority has is not there for who asks, and storing it again makes it so', async () => {
  const { store, roots } = replicatedStore();
  const ref = await store.put('precious', mediaTypes.text);
  await store.settle();
  for (const root of roots.slice(1)) rmSync(objectPath(root, ref));
  expect(await store.has(ref)).toBe(false);
  await store.put('precious', mediaTypes.text);
  await store.settle();
  expect(copies(roots, ref)).toEqual(Array(3).fill('precious'));
});

test('a replica whose disk is full does not stop the others', async () => {
  const place = temporaryFolder();
  const small = join(place, 'small');
  mkdirSync(small);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
  try {
    const store = openStore(`file://${join(small, 'store')},file://${join(place, 'b')},file://${join(place, 'c')}`);
    const bytes = randomBytes(4 << 20);
    const file = join(place, 'file');
    writeFileSync(file, bytes);
    const ref = await store.putFile(file, mediaTypes.bytes);
    expect((await store.get(ref)).equals(bytes)).toBe(true);
    expect(await store.put(bytes, mediaTypes.bytes)).toEqual(ref);
    expect(await store.put(Readable.from([bytes]), mediaTypes.bytes)).toEqual(ref);
    await store.settle();
    expect(filesBelow(join(small, 'store', 'tmp'))).toEqual([]);
  } finally {
    execFileSync('umount', ['-l', small]);
  }
});

test('small files lie in packs in all three, and a pack damaged or missing in one is read from another and repaired', async () => {
  const { store, roots } = replicatedStore();
  const dir = join(temporaryFolder(), 'folder');
  mkdirSync(dir);
  for (let i = 0; i < 100; i++) writeFileSync(join(dir, `${i}`.padStart(2, '0')), `content ${i};`);
  const ref = await store.putFolder(dir);
  await store.settle();
  const [name] = filesBelow(join(roots[0]!, 'packs'));
  const packs = roots.map((root) => join(root, 'packs', name!));
  const whole = readFileSync(packs[0]!);
  for (const pack of packs) expect(readFileSync(pack).equals(whole)).toBe(true);
  const member = (await store.getJson<Manifest>(ref)).files[50]!;
  for (const damage of [
    () => flipBit(packs[0]!, whole.indexOf('content 50;')),
    () => flipBit(packs[0]!, whole.length - 10),
    () => rmSync(packs[0]!),
  ]) {
    damage();
    const reader = openStore(store.url);
    const back = join(temporaryFolder(), 'back');
    await reader.fetchFolder(ref, back);
    expect(execFileSync('diff', ['-r', dir, back]).toString()).toBe('');
    expect((await reader.get(member)).toString()).toBe('content 50;');
    await reader.settle();
    if (statSync(packs[0]!, { throwIfNoEntry: false }) === undefined || !readFileSync(packs[0]!).equals(whole)) {
      // Only damage that a reader meets can be repaired by it.
      expect((await reader.verify(member.digest)).replicas[0]?.state).toBe('sound');
    }
    writeFileSync(packs[0]!, whole);
  }
});

test('progress tells what a majority has', async () => {
  const { store } = replicatedStore();
  const seen: number[] = [];
  await store.put(randomBytes(100_000), mediaTypes.bytes, { onProgress: (bytes) => seen.push(bytes) });
  await store.settle();
  expect(seen).toContain(100_000);
  expect(seen[0]).toBe(0);
});

test('a put and a fetch of 300 MB over three replicas take less than 64 MB of memory', () => {
  const { store } = replicatedStore();
  const said = execFileSync(process.execPath, [join(__dirname, 'child.js'), 'grow', store.url, '300', join(temporaryFolder(), 'big')]);
  expect((JSON.parse(said.toString()) as { grown: number }).grown).toBeLessThan(64);
});

test('a stream that met a damaged copy is told so, and the next ones pass it over though it cannot be mended', async () => {
  const { store, roots } = replicatedStore();
  const ref = await store.put('streamed', mediaTypes.text);
  await store.settle();
  flipBit(objectPath(roots[0]!, ref));
  const reader = openStore(store.url);
  reader.replicas[0]!.replace = () => Promise.reject(new AssayError('StoreUnavailable', 'read only'));
  const streamed = async (): Promise<string> => (await buffer(await reader.stream(ref))).toString();
  await expect(streamed()).rejects.toMatchObject({ type: 'ObjectCorrupt' });
  for (let i = 0; i < 3; i++) expect(await streamed()).toBe('streamed');
  // Once all are damaged it is said again.
  for (const root of roots.slice(1)) flipBit(objectPath(root, ref));
  await expect(streamed()).rejects.toMatchObject({ type: 'ObjectCorrupt' });
});
