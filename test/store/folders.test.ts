import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Manifest, mediaTypes } from '../../src/contract';
import { listFiles, openStore } from '../../src/store';
import { filesBelow, flipBit, freshStore, objectPath, removeTemporaryFolders, temporaryFolder } from './helpers';

afterAll(removeTemporaryFolders);

function folder(files: Record<string, string>): string {
  const dir = join(temporaryFolder(), 'folder');
  mkdirSync(dir);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), content);
  }
  return dir;
}

test('a folder comes back as it was, and the same files give the same reference', async () => {
  const { store, root } = freshStore();
  const paths = ['b.txt', 'a/z.bin', 'a-b', 'a/b/c', 'ü.txt'];
  const make = (order: string[]): string => folder(Object.fromEntries(order.map((path) => [path, `content of ${path}`])));
  const ref = await store.putFolder(make(paths));
  expect(await store.putFolder(make([...paths].reverse()))).toEqual(ref);
  const back = join(root, '..', 'back');
  mkdirSync(back);
  writeFileSync(join(back, 'old'), 'replaced');
  await store.fetchFolder(ref, back);
  expect(filesBelow(back)).toEqual([...paths].sort());
  expect(readFileSync(join(back, 'a/b/c'), 'utf8')).toBe('content of a/b/c');
});

test('a program stays a program, and nothing else becomes one', async () => {
  const { store } = freshStore();
  const dir = folder({ 'run.sh': '#!/bin/sh', 'data.csv': '1,2' });
  chmodSync(join(dir, 'run.sh'), 0o755);
  const ref = await store.putFolder(dir);
  expect((await store.getJson<Manifest>(ref)).files.map(({ path, mode }) => [path, mode])).toEqual([
    ['data.csv', undefined],
    ['run.sh', '755'],
  ]);
  const back = join(temporaryFolder(), 'back');
  await store.fetchFolder(ref, back);
  expect(statSync(join(back, 'run.sh')).mode & 0o777).toBe(0o755);
  expect(statSync(join(back, 'data.csv')).mode & 0o111).toBe(0);
});

test('thousands of small files and a large one come back through packs, with progress', async () => {
  const { store, root } = freshStore();
  const files = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`${i % 30}/${i}`, `${i}`.repeat(i % 50)]));
  const dir = folder({ ...files, large: 'x'.repeat(3 << 20) });
  const stored: number[] = [];
  const ref = await store.putFolder(dir, { onProgress: ({ files: count }) => stored.push(count) });
  expect(stored.at(-1)).toBe(3001);
  // The large file, and the manifest.
  expect(filesBelow(join(root, 'objects'))).toHaveLength(2);
  const fetched: { files: number; bytes: number }[] = [];
  const back = join(temporaryFolder(), 'back');
  await openStore(store.url).fetchFolder(ref, back, { onProgress: (done) => fetched.push(done) });
  expect(fetched.at(-1)?.files).toBe(3001);
  expect(execFileSync('diff', ['-r', dir, back]).toString()).toBe('');
});

test('a folder of which one object is damaged does not appear at all', async () => {
  const { store, root } = freshStore();
  const ref = await store.putFolder(folder({ a: 'first', b: 'second' }));
  const { files } = await store.getJson<Manifest>(ref);
  flipBit(objectPath(root, files[1]!));
  await expect(store.fetchFolder(ref, join(root, '..', 'back'))).rejects.toMatchObject({ type: 'ObjectCorrupt' });
  expect(filesBelow(join(root, '..')).filter((path) => path.startsWith('back'))).toEqual([]);
});

test('a folder of which one packed file is damaged does not appear at all, and the error names the pack', async () => {
  const { store, root } = freshStore();
  const ref = await store.putFolder(folder(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${i}`, `content ${i};`]))));
  const [pack] = filesBelow(join(root, 'packs'));
  flipBit(join(root, 'packs', pack!), readFileSync(join(root, 'packs', pack!)).indexOf('content 77;'));
  await expect(store.fetchFolder(ref, join(root, '..', 'back'))).rejects.toMatchObject({
    type: 'ObjectCorrupt',
    message: expect.stringContaining(join(root, 'packs', pack!)),
  });
  expect(filesBelow(join(root, '..')).filter((path) => path.startsWith('back'))).toEqual([]);
});

test.each(['../escaped', '/etc/escaped', 'a/../../escaped', 'a//b', './a', ''])('a manifest that names "%s" is refused', async (path) => {
  const { store } = freshStore();
  const { digest, size } = await store.put('x', mediaTypes.bytes);
  const manifest = await store.putJson({ files: [{ path, size, digest }] });
  await expect(store.fetchFolder(manifest, join(temporaryFolder(), 'in'))).rejects.toMatchObject({ type: 'ObjectCorrupt' });
});

test('a folder that others fill may have no links: one could lead to any file of this host', async () => {
  const { store } = freshStore();
  const dir = folder({ a: 'a' });
  symlinkSync('/etc/hostname', join(dir, 'secret'));
  await expect(store.putFolder(dir)).rejects.toMatchObject({
    type: 'DataInvalid',
    message: expect.stringContaining(`${join(dir, 'secret')} is neither a file nor a folder (it is a link)`),
  });
});

test('where links are followed, one to a file is that file', async () => {
  const dir = folder({ 'a/file': 'content' });
  symlinkSync('a/file', join(dir, 'link'));
  expect(await listFiles(dir, 'follow')).toEqual(['a/file', 'link']);
});

test.each([
  ['a link to a folder', (dir: string) => symlinkSync('a', join(dir, 'odd')), 'is a link to a folder'],
  ['a broken link', (dir: string) => symlinkSync('nowhere', join(dir, 'odd')), 'is a link to a file that does not exist'],
  ['a loop of links', (dir: string) => symlinkSync('odd', join(dir, 'odd')), 'is a link in a loop of links'],
  ['a link to a device', (dir: string) => symlinkSync('/dev/null', join(dir, 'odd')), 'is a link to a device'],
  ['a pipe', (dir: string) => execFileSync('mkfifo', [join(dir, 'odd')]), 'it is a pipe'],
])('%s is refused by name', async (_, make, why) => {
  const dir = folder({ 'a/file': 'content' });
  make(dir);
  await expect(listFiles(dir, 'follow')).rejects.toMatchObject({
    type: 'DataInvalid',
    message: expect.stringMatching(new RegExp(`${join(dir, 'odd')} .*${why}`)),
  });
});

test('a socket is refused by name', async () => {
  const dir = folder({ a: 'a' });
  const server = createServer();
  await new Promise<void>((listening) => server.listen(join(dir, 'socket'), listening));
  try {
    await expect(listFiles(dir, 'follow')).rejects.toThrow(`${join(dir, 'socket')} is neither a file nor a folder (it is a socket)`);
  } finally {
    server.close();
  }
});

test('a name that is no UTF-8 is refused, and one that is stays', async () => {
  const dir = folder({ 'naïve ☃ \ufffd': 'fine' });
  expect(await listFiles(dir)).toEqual(['naïve ☃ \ufffd']);
  writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0x63, 0x61, 0x66, 0xe9])]), 'Latin-1');
  await expect(listFiles(dir)).rejects.toMatchObject({
    type: 'DataInvalid',
    message: `${dir} has a name that is no UTF-8: "café" (read as Latin-1). Rename it.`,
  });
});

test('two names that differ only in how Unicode writes them are refused, in one folder', async () => {
  const dir = folder({ 'caf\u00e9': '1', 'below/cafe\u0301': '2' });
  expect(await listFiles(dir)).toHaveLength(2);
  writeFileSync(join(dir, 'cafe\u0301'), '3');
  await expect(listFiles(dir)).rejects.toThrow(/has two names that differ only in how Unicode writes them: "cafe?\\u/);
});

test('names as long as the system allows, with spaces, line ends and quotes, come back', async () => {
  const { store } = freshStore();
  const names = ['n'.repeat(255), ' ', 'a\nb', `"'\\`, '-rf', '...', '%2F', 'ö'.repeat(127)];
  const dir = folder(Object.fromEntries(names.map((name) => [name, `content of ${name}`])));
  const back = join(temporaryFolder(), 'back');
  await store.fetchFolder(await store.putFolder(dir), back);
  expect(filesBelow(back)).toEqual([...names].sort());
});

test('of several that fetch a folder to one place at once each succeeds, and it is whole', async () => {
  const { store } = freshStore();
  const source = temporaryFolder();
  for (let i = 0; i < 20; i++) writeFileSync(join(source, `file-${i}`), `content ${i}`);
  const ref = await store.putFolder(source);
  const parent = temporaryFolder();
  const dir = join(parent, 'here');
  for (let round = 0; round < 5; round++) await Promise.all(Array.from({ length: 8 }, async () => await store.fetchFolder(ref, dir)));
  expect(filesBelow(dir)).toEqual(filesBelow(source));
  expect(filesBelow(parent)).toHaveLength(20);
});
