// Snapshots of data as such: taken, named, listed, verified in every replica, got back byte for byte.
import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest, Provenance, TableProfile } from '../../src/contract';
import { findSnapshot, getSnapshot, listSnapshots, removeSnapshot, snapshotData, verifySnapshot } from '../../src/data';
import { openStore, type Store } from '../../src/store';
import { filesBelow, removeTemporaryFolders, temporaryFolder } from '../store/helpers';
import { csv, type Room, room, rows } from './helpers';

afterAll(removeTemporaryFolders);

const take = async (at: Room, source: string, more: Partial<Parameters<typeof snapshotData>[0]> = {}) =>
  await snapshotData({ source, root: at.root, store: at.store, workDir: join(at.root, 'work'), indexDir: join(at.root, 'index'), ...more });

test('a snapshot of a table has a profile of all its rows and the provenance it was given', async () => {
  const at = room();
  at.write('data.csv', csv(rows(0, 90)));
  const provenance = await at.store.putJson({ host: 'here' } as Partial<Provenance>);
  const seen: number[] = [];
  const { digest, record, created } = await take(at, 'data.csv', {
    name: 'Train.2026_01',
    provenance,
    onProgress: ({ bytes }) => seen.push(bytes),
  });
  expect(created).toBe(true);
  const bytes = readFileSync(join(at.root, 'data.csv')).length;
  expect(record).toMatchObject({ source: 'data.csv', origin: { kind: 'local' }, format: 'csv', files: 1, bytes, provenance });
  expect(record.manifest.digest).toBe(digest);
  expect(seen.at(-1)).toBe(bytes);
  if (record.profile === null) throw new Error('no profile');
  const profile = await at.store.getJson<TableProfile>(record.profile);
  expect(profile.rows).toBe(90);
  expect(profile.columns.map(({ name, kind }) => [name, kind])).toEqual([
    ['id', 'category'],
    ['label', 'category'],
    ['x', 'number'],
    ['kind', 'category'],
  ]);
  expect(filesBelow(join(at.root, 'work'))).toEqual([]);
});

test('an experiment that reads the same data leaves the same record, and keeps what stands there', async () => {
  const at = room();
  at.write('data.csv', csv(rows(0, 90)));
  const { snapshot } = await at.snapshot();
  const { digest, record, created } = await take(at, 'data.csv');
  expect({ digest, created }).toEqual({ digest: snapshot.data.digest, created: false });
  expect(record.profile).not.toBeNull();
  expect(snapshot).toMatchObject({ schema: 'assay.snapshot/2', origin: { kind: 'local' }, file: 'data.csv', leaks: { unitsAcross: [] } });
});

test('the same files on another host are the same snapshot, whatever their order, age and owner', async () => {
  const [one, other] = [room(), room()];
  const names = ['b/2', 'a/1', 'a/10', 'c'];
  for (const name of names) one.write(`set/${name}`, name);
  for (const name of names.toReversed()) other.write(`copy/${name}`, name);
  chmodSync(join(other.root, 'copy/a/1'), 0o600);
  expect((await take(one, 'set')).digest).toBe((await take(other, 'copy')).digest);
  chmodSync(join(other.root, 'copy/a/1'), 0o700);
  expect((await take(one, 'set')).digest).not.toBe((await take(other, 'copy')).digest);
});

test('files of any kind are taken as they are', async () => {
  const at = room();
  at.write('model.bin', Buffer.alloc(300_000, 7));
  at.write('mixed/notes.txt', 'text');
  at.write('mixed/empty', '');
  expect((await take(at, 'model.bin')).record).toMatchObject({ format: null, profile: null, files: 1, bytes: 300_000 });
  expect((await take(at, 'mixed')).record).toMatchObject({ format: null, profile: null, files: 2, bytes: 4 });
  await expect(at.snapshot({ source: 'model.bin' })).rejects.toThrow('cannot tell the format of ".bin"');
});

test('snapshots are listed newest first with all their names, and found by name and by the beginning of their digest', async () => {
  const at = room();
  at.write('a.csv', csv(rows(0, 5)));
  at.write('b.csv', csv(rows(5, 9)));
  const a = await take(at, 'a.csv', { name: 'first' });
  const b = await take(at, 'b.csv', { name: 'second' });
  await take(at, 'a.csv', { name: 'again' });
  expect((await listSnapshots(at.store)).map(({ digest, names }) => [digest, names])).toEqual([
    [b.digest, ['second']],
    [a.digest, ['again', 'first']],
  ]);
  await take(at, 'b.csv', { name: 'first' });
  for (const which of ['first', 'snapshot:first', b.digest, b.digest.slice(7, 15), b.digest.slice(0, 15)])
    expect(await findSnapshot(at.store, which)).toEqual({ digest: b.digest, record: b.record, names: ['first', 'second'] });
  await expect(findSnapshot(at.store, 'third')).rejects.toMatchObject({
    type: 'NotFound',
    message: expect.stringContaining('Its names are again, first, second'),
  });
  expect(await removeSnapshot(at.store, 'second')).toBe('second');
  expect((await findSnapshot(at.store, b.digest)).names).toEqual(['first']);
  expect(await removeSnapshot(at.store, 'first')).toBe('first');
  await expect(findSnapshot(at.store, b.digest)).rejects.toMatchObject({ type: 'NotFound' });
});

test.each(['', 'a b', '../up', 'deadbeef', '-x'])('"%s" is refused as a name', async (name) => {
  const at = room();
  at.write('a.csv', csv(rows(0, 5)));
  await expect(take(at, 'a.csv', { name })).rejects.toMatchObject({
    type: 'DataInvalid',
    message: expect.stringContaining(`"${name}" is no name of a snapshot`),
  });
});

test('a snapshot comes back byte for byte into a new folder, with its modes, and into no other', async () => {
  const at = room();
  for (let i = 0; i < 30; i++) at.write(`set/${i % 3}/${i}.bin`, Buffer.alloc(i * 1000, i));
  chmodSync(join(at.root, 'set/0/3.bin'), 0o755);
  const { digest } = await take(at, 'set');
  const copy = join(at.root, 'copy');
  await getSnapshot(at.store, digest, copy);
  expect(execFileSync('diff', ['-r', join(at.root, 'set'), copy], { encoding: 'utf8' })).toBe('');
  expect(await take(at, 'copy')).toMatchObject({ digest, created: false });
  await expect(getSnapshot(at.store, digest, copy)).rejects.toThrow(`${copy} is not empty. Name a folder that is not there yet.`);
  await expect(getSnapshot(at.store, digest, join(copy, '0/3.bin'))).rejects.toThrow('is no folder');
  mkdirSync(join(at.root, 'empty'));
  await getSnapshot(at.store, digest, join(at.root, 'empty'));
});

test('what is damaged in one replica is named with that replica, what is lost in all with all', async () => {
  const at = room();
  const roots = [1, 2, 3].map(() => temporaryFolder());
  const store: Store = openStore(roots.map((root) => `file://${root}`).join(','));
  const replicated = { ...at, store };
  at.write('set/large', Buffer.alloc(600_000, 1));
  for (let i = 0; i < 30; i++) at.write(`set/small/${i}`, `bytes ${i}`);
  const { digest, record } = await take(replicated, 'set');
  expect(await verifySnapshot(store, digest)).toEqual({ files: 31, bytes: record.bytes, problems: [] });
  const { files } = await store.getJson<Manifest>(record.manifest);
  const large = files.find(({ path }) => path === 'large')?.digest ?? '';
  const objectIn = (root: string): string => join(root, 'objects', large.slice(7, 9), large.slice(9));
  flip(objectIn(roots[1] ?? ''));
  const damaged = await verifySnapshot(store, digest);
  expect(damaged.problems).toEqual([expect.stringMatching(new RegExp(`^large \\(${large}\\): corrupt in file://${roots[1]}/?: `))]);
  for (const root of [roots[0], roots[2]]) flip(objectIn(root ?? ''));
  expect((await verifySnapshot(store, digest)).problems).toHaveLength(3);
});

/** One bit in the middle of a file. */
function flip(path: string): void {
  const bytes = readFileSync(path);
  chmodSync(path, 0o644);
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.of((bytes[300_000] ?? 0) ^ 1), 0, 1, 300_000);
  closeSync(file);
}
