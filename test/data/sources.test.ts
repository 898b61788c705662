// What a data source may be made of: which files count, which are refused by name, and what is noticed while they are read.
import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, linkSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Manifest } from '../../src/contract';
import { listSnapshots, openSource, snapshotData, tableOf } from '../../src/data';
import { storeTree } from '../../src/data/storeTree';
import { removeTemporaryFolders } from '../store/helpers';
import { csv, type Room, room, rows } from './helpers';

afterAll(removeTemporaryFolders);

const open = async (at: Room, source: string) =>
  await openSource({ source, root: at.root }, { folder: at.root, store: at.store, anyFormat: true });

const take = async (at: Room, source: string, more = {}) =>
  await snapshotData({ source, root: at.root, store: at.store, workDir: join(at.root, 'work'), ...more });

const filesOf = async (at: Room, source: string): Promise<Manifest['files']> =>
  (await at.store.getJson<Manifest>((await take(at, source)).record.manifest)).files;

test('a folder is listed in code unit order, with the mode of what may be run, and without what version control keeps there', async () => {
  const at = room();
  for (const path of ['set/b/2', 'set/b.x', 'set/a/1', 'set/Z', 'set/.git/HEAD', 'set/a/.DS_Store', 'set/.dvc/config', 'set/.hidden'])
    at.write(path, path);
  chmodSync(join(at.root, 'set/a/1'), 0o750);
  const files = await filesOf(at, 'set');
  expect(files.map(({ path, mode }) => [path, mode])).toEqual([
    ['.hidden', undefined],
    ['Z', undefined],
    ['a/1', '755'],
    ['b.x', undefined],
    ['b/2', undefined],
  ]);
});

test('a link to a file counts as that file', async () => {
  const at = room();
  at.write('elsewhere/1', 'bytes');
  at.write('set/a/2', 'bytes');
  symlinkSync('../../elsewhere/1', join(at.root, 'set/a/1'));
  linkSync(join(at.root, 'elsewhere/1'), join(at.root, 'set/a/3'));
  const files = await filesOf(at, 'set');
  expect(files.map(({ path, size }) => [path, size])).toEqual(['a/1', 'a/2', 'a/3'].map((path) => [path, 5]));
  expect(new Set(files.map(({ digest }) => digest)).size).toBe(1);
});

/** Root may read everything, so that it becomes somebody else. */
async function asNobody(act: () => Promise<void>): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    await act();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

const refused: { what: string; make: (dir: string) => void | Promise<void>; message: RegExp }[] = [
  { what: 'a link to a folder', make: (dir) => symlinkSync('..', join(dir, 'up')), message: /set\/a\/up is a link to a folder \(\.\.\)\./ },
  {
    what: 'a link that leads nowhere',
    make: (dir) => symlinkSync('nowhere', join(dir, 'lost')),
    message: /set\/a\/lost is a link to nowhere, which cannot be reached\. Put the file itself there, or remove it\.$/,
  },
  {
    what: 'a loop of links',
    make: (dir) => {
      symlinkSync('two', join(dir, 'one'));
      symlinkSync('one', join(dir, 'two'));
    },
    message: /set\/a\/(one|two) is a link in a loop of links\./,
  },
  {
    what: 'a named pipe',
    make: (dir) => void execFileSync('mkfifo', [join(dir, 'pipe')]),
    message: /set\/a\/pipe is a named pipe; expected a file\. Move it out of the data\.$/,
  },
  {
    what: 'a link to a device',
    make: (dir) => symlinkSync('/dev/zero', join(dir, 'zero')),
    message: /set\/a\/zero is a link to a device;/,
  },
  {
    what: 'a name that is no UTF-8',
    make: (dir) => writeFileSync(Buffer.concat([Buffer.from(`${dir}/caf`), Buffer.from([0xe9])]), 'x'),
    message: /set\/a has a name that is not UTF-8: "caf\\xe9"\. Rename it\.$/,
  },
  {
    what: 'two names that differ only in how an accent is written',
    make: (dir) => {
      writeFileSync(join(dir, 'caf\u00e9'), 'x');
      writeFileSync(join(dir, 'cafe\u0301'), 'x');
    },
    message: /set\/a has two names that read "caf\u00e9" and differ only in how the accents are written/,
  },
];

test.each(refused)('$what in a folder is refused by its name', async ({ make, message }) => {
  const at = room();
  at.write('set/a/1', 'x');
  await make(join(at.root, 'set/a'));
  await expect(take(at, 'set')).rejects.toMatchObject({ type: 'DataInvalid', message: expect.stringMatching(message) });
});

test('a file and a folder that this user may not read are named', async () => {
  const at = room();
  at.write('set/a/1', 'x');
  at.write('set/b/2', 'x');
  chmodSync(at.root, 0o777);
  chmodSync(join(at.root, 'set/b/2'), 0);
  await asNobody(async () => {
    await expect(take(at, 'set')).rejects.toMatchObject({
      type: 'DataInvalid',
      message: expect.stringMatching(/set\/b\/2 cannot be read: EACCES/),
    });
    await expect(take(at, 'set/b/2')).rejects.toThrow(/set\/b\/2 cannot be read\. Give this user the right to read it\.$/);
  });
  chmodSync(join(at.root, 'set/b'), 0);
  await asNobody(async () => {
    await expect(take(at, 'set')).rejects.toThrow(/set\/b cannot be read: EACCES/);
  });
  chmodSync(join(at.root, 'set/b'), 0o755);
});

test('a socket, a device and a loop as the source itself are refused', async () => {
  const at = room();
  const server = createServer().listen(join(at.root, 'socket'));
  await new Promise((done) => server.once('listening', done));
  symlinkSync('loop', join(at.root, 'loop'));
  try {
    await expect(take(at, 'socket')).rejects.toThrow(/socket is a socket; expected a file or a folder/);
    await expect(take(at, '/dev/null')).rejects.toThrow(/null is a device; expected a file or a folder/);
    await expect(take(at, 'loop')).rejects.toThrow(/loop is a loop of links/);
  } finally {
    server.close();
  }
});

test('a name of the longest length and a path in any script come back as they were', async () => {
  const at = room();
  const path = `set/${'\u4e2d'.repeat(85)}/${'\ud83d\ude00'.repeat(60)} "quoted"\n.bin`;
  at.write(path, 'bytes');
  const { digest } = await take(at, 'set');
  const [file] = await filesOf(at, 'set');
  expect(file?.path).toBe(path.slice('set/'.length));
  await at.store.fetchFolder({ digest }, join(at.root, 'copy'));
  expect((await filesOf(at, 'copy')).map(({ digest: same }) => same)).toEqual([file?.digest]);
});

test('a file that changes while it is read is read again, and refused where it changes again', async () => {
  const at = room();
  at.write('set/a/1', 'one');
  at.write('set/a/2', 'two');
  let left = 1;
  // The heartbeat follows each file that was stored, before it is looked at again for the next.
  const grow = (): void => {
    if (left-- > 0) appendFileSync(join(at.root, 'set/a/2'), 'more');
  };
  const tree = await open(at, 'set');
  const settled = await storeTree(tree, at.store, { heartbeat: grow });
  const { files } = await at.store.getJson<Manifest>(settled.manifest);
  expect(files.map(({ size }) => size)).toEqual([3, 7]);
  left = 10;
  await expect(storeTree(await open(at, 'set'), at.store, { heartbeat: grow })).rejects.toMatchObject({
    type: 'DataInvalid',
    message: expect.stringMatching(/set\/a\/2 changed while it was read, twice\. Wait until whatever writes it is done/),
  });
});

test('a large file that is written to without end is refused, and none of it becomes a snapshot', async () => {
  const at = room();
  at.write('set/a/log', Buffer.alloc(20_000_000, 1));
  const writer = setInterval(() => appendFileSync(join(at.root, 'set/a/log'), 'more'), 0);
  try {
    await expect(take(at, 'set')).rejects.toMatchObject({
      type: 'DataInvalid',
      message: expect.stringContaining('set/a/log changed while it was read, twice'),
    });
  } finally {
    clearInterval(writer);
  }
  expect(await listSnapshots(at.store)).toEqual([]);
});

test('a file that is cut while a snapshot is taken, or removed, never gives half of it', async () => {
  const at = room();
  at.write('set/a/1', 'one');
  at.write('set/a/2', Buffer.alloc(2_000_000, 1));
  const tree = await open(at, 'set');
  truncateSync(join(at.root, 'set/a/2'), 10);
  const cut = await storeTree(tree, at.store);
  expect((await at.store.getJson<Manifest>(cut.manifest)).files.map(({ size }) => size)).toEqual([3, 10]);
  const again = await open(at, 'set');
  rmSync(join(at.root, 'set/a/1'));
  await expect(storeTree(again, at.store)).rejects.toMatchObject({ type: 'DataInvalid', message: expect.stringContaining('set/a/1') });
});

test('a snapshot is a source by name, by digest, and by the beginning of its digest', async () => {
  const at = room();
  at.write('data.csv', csv(rows(0, 80)));
  const { digest } = await take(at, 'data.csv', { name: 'mine' });
  const { snapshot } = await at.snapshot();
  for (const source of ['snapshot:mine', `snapshot:${digest}`, `snapshot:${digest.slice(7, 20)}`]) {
    const again = await at.snapshot({ source });
    expect(again.snapshot).toMatchObject({ data: snapshot.data, origin: { kind: 'snapshot', digest }, splits: snapshot.splits });
  }
  await expect(at.snapshot({ source: 'snapshot:yours' })).rejects.toMatchObject({
    type: 'NotFound',
    message: expect.stringMatching(/has no snapshot "snapshot:yours"\. Its names are mine; `assay snapshot ls` lists all\.$/),
  });
  const missing = `snapshot:sha256:${'0'.repeat(64)}`;
  await expect(at.snapshot({ source: missing })).rejects.toMatchObject({ type: 'NotFound', message: expect.stringContaining(missing) });
});

test('a table of any source is handed out as a local path', async () => {
  const at = room();
  at.write('data.csv', csv(rows(0, 5)));
  await take(at, 'data.csv', { name: 'mine' });
  mkdirSync(join(at.root, 'scratch'));
  for (const source of ['data.csv', 'snapshot:mine']) {
    const table = await tableOf(await open(at, source), join(at.root, 'scratch'));
    expect({ ...table, path: table.path.split('/').at(-1) }).toEqual({ path: 'data.csv', format: 'csv', name: 'data.csv' });
  }
  at.write('set/a/1', 'x');
  await expect(tableOf(await open(at, 'set'), at.root)).rejects.toThrow(
    'set is no table; expected .csv, .parquet, .jsonl, .npz or .npy files.',
  );
});
