import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { mediaTypes, type Ref } from '../../src/contract';
import type { Backend, Source } from '../../src/store/backend';
import { objectKey } from '../../src/store/keys';
import type { Store, StoredFile, StoredObject } from '../../src/store/store';
import { filesBelow, temporaryFolder } from './helpers';

export const sourceOf = (data: Buffer | string): Source & { from: Buffer } => {
  const from = Buffer.from(data as string);
  return { digest: `sha256:${createHash('sha256').update(from).digest('hex')}`, size: from.length, from };
};

export const fileSource = (bytes: Buffer): Source & { from: string } => {
  const path = join(temporaryFolder(), 'source');
  writeFileSync(path, bytes);
  return { ...sourceOf(bytes), from: path };
};

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const megabyte = 1 << 20;
const racers = Array.from({ length: 24 }, (_, index) => index);

/** What every place of bytes does alike: `open` gives an empty one, and further handles on it. */
export function backendConformance(name: string, open: () => Promise<() => Backend>): void {
  describe(name, () => {
    const keep = async (backend: Backend, data: Buffer | string): Promise<string> => {
      const source = sourceOf(data);
      await backend.create(objectKey(source.digest), source);
      return objectKey(source.digest);
    };
    const read = async (backend: Backend, key: string, start?: number, end?: number): Promise<string | null> => {
      const body = await backend.read(key, start === undefined || end === undefined ? undefined : { start, end });
      return body === null ? null : (await buffer(body)).toString();
    };

    test('an object is created once, and found there afterwards', async () => {
      const backend = (await open())();
      const source = sourceOf('hello');
      expect(await backend.create(objectKey(source.digest), source)).toBe('created');
      expect(await backend.create(objectKey(source.digest), source)).toBe('exists');
      expect(await backend.create(objectKey(source.digest), fileSource(source.from))).toBe('exists');
      expect(await read(backend, objectKey(source.digest))).toBe('hello');
      expect(await backend.stat(objectKey(source.digest))).toEqual({ size: 5, modified: expect.any(Number) });
    });

    test('bytes that are not those of the digest are refused and leave nothing, small or in parts', async () => {
      const backend = (await open())();
      for (const size of [100, 9 * megabyte]) {
        const { digest, from } = sourceOf(randomBytes(size));
        const other = Buffer.from(from);
        other[size - 1] = 1 ^ (other[size - 1] ?? 0);
        const cut = from.subarray(0, size - 1);
        for (const wrong of [other, fileSource(other).from, fileSource(cut).from]) {
          await expect(backend.create(objectKey(digest), { digest, size, from: wrong })).rejects.toMatchObject({ type: 'ObjectCorrupt' });
          expect(await backend.stat(objectKey(digest))).toBeNull();
        }
      }
    });

    test('ranges are read as asked, and end where the object ends', async () => {
      const backend = (await open())();
      const key = await keep(backend, '0123456789');
      expect(await read(backend, key, 2, 5)).toBe('234');
      expect(await read(backend, key, 0, 1)).toBe('0');
      expect(await read(backend, key, 8, 100)).toBe('89');
      expect(await read(backend, key, 4, 4)).toBe('');
      expect(await read(backend, key, 10, 20)).toBe('');
    });

    test('an empty object is an object', async () => {
      const backend = (await open())();
      for (const source of [sourceOf(''), fileSource(Buffer.alloc(0))]) await backend.create(objectKey(source.digest), source);
      const key = objectKey(sourceOf('').digest);
      expect(await read(backend, key)).toBe('');
      expect(await read(backend, key, 0, 5)).toBe('');
      expect((await backend.stat(key))?.size).toBe(0);
    });

    test('a key that is not there reads as null and is removed without complaint', async () => {
      const backend = (await open())();
      const key = objectKey(sourceOf('absent').digest);
      expect(await backend.read(key)).toBeNull();
      expect(await backend.read(key, { start: 0, end: 3 })).toBeNull();
      expect(await backend.read(key, { start: 3, end: 3 })).toBeNull();
      expect(await backend.stat(key)).toBeNull();
      expect(await backend.load('refs/absent')).toBeNull();
      expect(await all(backend.list('objects/'))).toEqual([]);
      await backend.remove(key);
    });

    test('a removed object is gone and may be created again', async () => {
      const backend = (await open())();
      const key = await keep(backend, 'again');
      await backend.remove(key);
      expect(await backend.stat(key)).toBeNull();
      expect(await backend.create(key, sourceOf('again'))).toBe('created');
    });

    test('replace writes over what is there', async () => {
      const backend = (await open())();
      const key = 'objects/replaced';
      await backend.create(key, sourceOf('damaged'));
      await backend.replace(key, sourceOf('sound'));
      expect(await read(backend, key)).toBe('sound');
      await backend.replace(key, fileSource(Buffer.alloc(9 * megabyte, 'x')));
      expect((await backend.stat(key))?.size).toBe(9 * megabyte);
    });

    test('keys are listed in the order of their code units, across pages, below their prefix only', async () => {
      const backend = (await open())();
      const source = sourceOf('x');
      const keys = [
        ...Array.from({ length: 1050 }, (_, index) => `many/${(index * 7919) % 1050}`),
        'many-a',
        'many.b',
        'order/a-b',
        'order/a/b',
      ];
      keys.push('order/a.b', 'order/a_', 'order/A', 'order/ab');
      for (let at = 0; at < keys.length; at += 50) await Promise.all(keys.slice(at, at + 50).map((key) => backend.create(key, source)));
      const listed = async (prefix: string): Promise<string[]> => (await all(backend.list(prefix))).map(({ key }) => key);
      expect(await listed('')).toEqual([...keys].sort());
      expect(await listed('many/')).toEqual(keys.filter((key) => key.startsWith('many/')).sort());
      expect(await listed('order/a')).toEqual(keys.filter((key) => key.startsWith('order/a')).sort());
      expect(await all(backend.list('order/A'))).toEqual([{ key: 'order/A', size: 1, modified: expect.any(Number) }]);
    });

    test('an object of 40 MB goes in parts, with progress to its end', async () => {
      const backend = (await open())();
      const source = fileSource(randomBytes(40 * megabyte));
      const key = objectKey(source.digest);
      const progress: number[] = [];
      expect(await backend.create(key, source, { onProgress: (bytes) => progress.push(bytes) })).toBe('created');
      expect(progress).toEqual([...progress].sort((a, b) => a - b));
      expect(progress.at(-1)).toBe(source.size);
      const there = await backend.read(key);
      expect(there === null ? null : sourceOf(await buffer(there)).digest).toBe(source.digest);
      const part = await backend.read(key, { start: 20 * megabyte, end: 20 * megabyte + 9 });
      expect(part && (await buffer(part))).toEqual(readFileSync(source.from).subarray(20 * megabyte, 20 * megabyte + 9));
    });

    test('a write that is called off leaves nothing to be seen, and can be made afterwards', async () => {
      const backend = (await open())();
      const source = fileSource(randomBytes(20 * megabyte));
      const key = objectKey(source.digest);
      const stop = new AbortController();
      const reason = new Error('called off');
      const writing = backend.create(key, source, { signal: stop.signal, onProgress: () => stop.abort(reason) });
      stop.abort(reason);
      await expect(writing).rejects.toBe(reason);
      expect(await backend.stat(key)).toBeNull();
      expect(await backend.create(key, source)).toBe('created');
    });

    test('a value is swapped only where the expected one is there', async () => {
      const backend = (await open())();
      const swap = (value: string, expected: string | null): Promise<string | null> =>
        backend.swap('refs/a/b', Buffer.from(value), expected);
      const first = await swap('1', null);
      expect(first).not.toBeNull();
      expect(await swap('other', null)).toBeNull();
      const second = await swap('2', first);
      expect(second).not.toBeNull();
      expect(await swap('3', first)).toBeNull();
      expect(await backend.load('refs/a/b')).toEqual({ bytes: Buffer.from('2'), tag: second });
      await backend.remove('refs/a/b');
      expect(await swap('4', second)).toBeNull();
      expect(await swap('5', null)).not.toBeNull();
    });

    test('of 24 racing creators of one key each succeeds, small or in parts, and the object is whole', async () => {
      const handle = await open();
      for (const size of [1000, 9 * megabyte]) {
        const source = sourceOf(randomBytes(size));
        const key = objectKey(source.digest);
        const outcomes = await Promise.all(racers.map(() => handle().create(key, source)));
        expect(outcomes).toContain('created');
        const body = await handle().read(key);
        expect(body === null ? null : sourceOf(await buffer(body)).digest).toBe(source.digest);
      }
    });

    test('of 24 racing swaps of one version exactly one wins', async () => {
      const handle = await open();
      for (const expected of [null, await handle().swap('refs/raced', Buffer.from('start'), null)]) {
        const key = expected === null ? 'refs/fresh' : 'refs/raced';
        const tags = await Promise.all(racers.map((racer) => handle().swap(key, Buffer.from(`racer ${racer}`), expected)));
        expect(tags.filter((tag) => tag !== null)).toHaveLength(1);
        expect((await handle().load(key))?.bytes.toString()).toBe(`racer ${tags.findIndex((tag) => tag !== null)}`);
      }
    });

    test('sweeping takes no object and no value', async () => {
      const backend = (await open())();
      const key = await keep(backend, 'kept');
      await backend.swap('refs/kept', Buffer.from('kept'), null);
      await backend.sweep(0);
      expect(await read(backend, key)).toBe('kept');
      expect((await backend.load('refs/kept'))?.bytes.toString()).toBe('kept');
    });
  });
}

/** What every store does alike, whatever it lies on: `open` makes an empty one, and returns further handles on it. */
export function conformance(name: string, open: () => Promise<() => Store>): void {
  describe(name, () => {
    test('a text, a buffer, a stream and a file of the same bytes are one object, which comes back whole', async () => {
      const store = (await open())();
      const { digest, size } = sourceOf('hello');
      const { from } = fileSource(Buffer.from('hello'));
      const written = [
        await store.put('hello', mediaTypes.text),
        await store.put(Buffer.from('hello'), mediaTypes.text),
        await store.put(Readable.from([Buffer.from('he'), Buffer.from('llo')]), mediaTypes.text),
        await store.putFile(from, mediaTypes.text),
      ];
      expect(written).toEqual(Array(4).fill({ digest, size, mediaType: mediaTypes.text }));
      expect((await store.get({ digest })).toString()).toBe('hello');
      expect((await buffer(await store.stream({ digest }))).toString()).toBe('hello');
      const target = join(temporaryFolder(), 'deep', 'target');
      await store.fetchTo({ digest }, target);
      expect(readFileSync(target, 'utf8')).toBe('hello');
      expect(await all(store.list())).toEqual([{ digest, size, modified: expect.any(Number), pack: null }]);
    });

    test('equal JSON values are one object', async () => {
      const store = (await open())();
      const ref = await store.putJson({ b: [1, null, 'ü'], a: { d: true } });
      expect(await store.putJson({ a: { d: true }, b: [1, null, 'ü'] })).toEqual(ref);
      expect(await store.getJson(ref)).toEqual({ a: { d: true }, b: [1, null, 'ü'] });
    });

    test('ranges are read as asked, and end where the object ends', async () => {
      const store = (await open())();
      const ref = await store.put('0123456789', mediaTypes.text);
      const range = async (start: number, end: number): Promise<string> => (await store.get(ref, { start, end })).toString();
      expect([await range(2, 5), await range(8, 100), await range(4, 4), await range(10, 20)]).toEqual(['234', '89', '', '']);
    });

    test('an empty object is an object', async () => {
      const store = (await open())();
      const ref = await store.put('', mediaTypes.bytes);
      expect(ref.size).toBe(0);
      expect(await store.has(ref)).toBe(true);
      expect(await store.get(ref)).toHaveLength(0);
      await store.fetchTo(ref, join(temporaryFolder(), 'empty'));
    });

    test('what is not there is NotFound, and named', async () => {
      const store = (await open())();
      const { digest } = sourceOf('absent');
      expect(await store.has({ digest })).toBe(false);
      const target = join(temporaryFolder(), 'x');
      for (const read of [
        () => store.get({ digest }),
        () => store.stream({ digest }).then(buffer),
        () => store.fetchTo({ digest }, target),
      ]) {
        await expect(read()).rejects.toMatchObject({ type: 'NotFound', message: expect.stringContaining(digest) });
      }
      await expect(store.get({ digest: 'sha256:../../etc/passwd' })).rejects.toMatchObject({ type: 'NotFound' });
    });

    test('a deleted object is gone everywhere and may be stored again', async () => {
      const store = (await open())();
      const ref = await store.put('again', mediaTypes.text);
      await store.delete(ref.digest);
      expect(await store.has(ref)).toBe(false);
      expect(await all(store.list())).toEqual([]);
      expect((await store.verify(ref.digest)).replicas.map(({ state }) => state)).toEqual(store.replicas.map(() => 'missing'));
      await store.put('again', mediaTypes.text);
      expect((await store.get(ref)).toString()).toBe('again');
    });

    test('verify finds a sound object sound in each replica', async () => {
      const store = (await open())();
      const ref = await store.put('sound', mediaTypes.text);
      expect((await store.verify(ref.digest)).replicas.map(({ url, state }) => ({ url, state }))).toEqual(
        store.replicas.map(({ url }) => ({ url, state: 'sound' })),
      );
    });

    test('an object of 40 MB is stored with progress, and streams back', async () => {
      const store = (await open())();
      const { digest, size, from } = fileSource(randomBytes(40 * megabyte));
      const progress: number[] = [];
      expect(await store.putFile(from, mediaTypes.bytes, { onProgress: (bytes) => progress.push(bytes) })).toMatchObject({ digest, size });
      expect(progress.at(-1)).toBe(size);
      const target = join(temporaryFolder(), 'big');
      await store.fetchTo({ digest }, target);
      expect(readFileSync(target).equals(readFileSync(from))).toBe(true);
      expect(await store.get({ digest }, { start: 30 * megabyte, end: 30 * megabyte + 7 })).toEqual(
        readFileSync(from).subarray(30 * megabyte, 30 * megabyte + 7),
      );
    });

    test('a stream of unknown length is stored under the digest it turns out to have', async () => {
      const store = (await open())();
      const block = randomBytes(megabyte);
      const ref = await store.put(Readable.from(Array<Buffer>(12).fill(block)), mediaTypes.bytes);
      expect(ref.digest).toBe(sourceOf(Buffer.concat(Array<Buffer>(12).fill(block))).digest);
      expect(await store.has(ref)).toBe(true);
    });

    test('a folder of 2,000 small files and a big one comes back as it was, in far fewer objects than files', async () => {
      const store = (await open())();
      const dir = temporaryFolder();
      for (let folder = 0; folder < 20; folder++) {
        mkdirSync(join(dir, `${folder}`));
        for (let file = 0; file < 100; file++) writeFileSync(join(dir, `${folder}`, `ü ${file}.txt`), `file ${file} of ${folder}`);
      }
      writeFileSync(join(dir, 'big'), randomBytes(9 * megabyte));
      writeFileSync(join(dir, 'empty'), '');
      writeFileSync(join(dir, 'script'), '#!/bin/sh\n');
      chmodSync(join(dir, 'script'), 0o755);
      const progress: { files: number; bytes: number }[] = [];
      const ref = await store.putFolder(dir, { onProgress: (done) => progress.push(done) });
      expect(progress.at(-1)?.files).toBe(2003);
      expect(await store.putFolder(dir)).toEqual(ref);
      const listed = await all(store.list());
      // The manifest is an object too.
      expect(new Set(listed.map(({ digest }) => digest)).size).toBe(listed.length);
      expect(listed.length).toBe(2004);
      expect((await all(store.replicas[0]!.list(''))).length).toBeLessThan(60);
      const back = join(temporaryFolder(), 'back');
      await store.fetchFolder(ref, back);
      expect(filesBelow(back)).toEqual(filesBelow(dir));
      for (const path of filesBelow(dir)) expect(readFileSync(join(back, path)).equals(readFileSync(join(dir, path)))).toBe(true);
      expect(statSync(join(back, 'script')).mode & 0o111).toBe(0o111);
    });

    test('many files are answered in their order, and each can be had by its digest', async () => {
      const store = (await open())();
      const dir = temporaryFolder();
      const contents = Array.from({ length: 300 }, (_, index) => (index % 50 === 0 ? 'the same' : `content ${index}`));
      const paths = contents.map((content, index) => {
        writeFileSync(join(dir, `${index}`), content);
        return join(dir, `${index}`);
      });
      const stored: StoredFile[] = await all(store.putFiles(paths));
      expect(stored).toEqual(paths.map((path, index) => ({ path, ...digestAndSize(contents[index] ?? '') })));
      const handle = stored.filter((_, index) => index % 37 === 0);
      for (const { path, digest } of handle) expect(await store.get({ digest })).toEqual(readFileSync(path));
      expect(await Promise.all(handle.map(({ digest }) => store.has({ digest })))).toEqual(handle.map(() => true));
      const packed: StoredObject[] = await all(store.list());
      expect(packed.map(({ digest }) => digest).sort()).toEqual([...new Set(stored.map(({ digest }) => digest))].sort());
      expect((await store.verify(stored[0]?.digest ?? '')).replicas.every(({ state }) => state === 'sound')).toBe(true);
    });

    test('of 24 racing writers of one object each succeeds and the object is there once', async () => {
      const handle = await open();
      const bytes = randomBytes(200_000);
      const refs = await Promise.all(racers.map(() => handle().put(bytes, mediaTypes.bytes)));
      expect(new Set(refs.map(({ digest }) => digest))).toEqual(new Set([sourceOf(bytes).digest]));
      expect(await all(handle().list())).toHaveLength(1);
      expect((await handle().get(refs[0] as Ref)).equals(bytes)).toBe(true);
    });

    test('a name is set only where the expected version is there, and its history is kept', async () => {
      const { refs } = (await open())();
      expect(await refs.get('experiments/a')).toBeNull();
      const first = await refs.set('experiments/a', { n: 1 }, null);
      await expect(refs.set('experiments/a', { n: 9 }, null)).rejects.toThrow('experiments/a');
      const second = await refs.set('experiments/a', { n: 2 }, first);
      await expect(refs.set('experiments/a', { n: 9 }, first)).rejects.toThrow('experiments/a');
      expect(await refs.get('experiments/a')).toEqual({ value: { n: 2 }, version: second });
      await refs.update<{ n: number }>('experiments/a', (old) => ({ n: (old?.n ?? 0) + 1 }));
      expect((await refs.history<{ n: number }>('experiments/a')).map(({ value, version }) => ({ n: value.n, version }))).toEqual([
        { n: 2, version: second },
        { n: 1, version: first },
      ]);
    });

    test('names are listed by prefix in order, and a removed one is gone with its history', async () => {
      const { refs } = (await open())();
      for (const name of ['b/2', 'a/2', 'a/10', 'a-b', 'a/1']) await refs.set(name, name, null);
      expect(await refs.list('a/')).toEqual(['a/1', 'a/10', 'a/2']);
      expect(await refs.list('')).toEqual(['a-b', 'a/1', 'a/10', 'a/2', 'b/2']);
      const version = (await refs.get('a/10'))?.version ?? '';
      await expect(refs.remove('a/10', 'another')).rejects.toThrow('a/10');
      await refs.remove('a/10', version);
      expect(await refs.get('a/10')).toBeNull();
      expect(await refs.history('a/10')).toEqual([]);
      expect(await refs.list('a/')).toEqual(['a/1', 'a/2']);
      await refs.set('a/10', 'new', null);
      expect((await refs.get('a/10'))?.value).toBe('new');
    });

    test('of 24 racing updates of one name each is counted once', async () => {
      const handle = await open();
      await Promise.all(racers.map(() => handle().refs.update<number>('counter', (old) => (old ?? 0) + 1)));
      expect((await handle().refs.get('counter'))?.value).toBe(24);
    });
  });
}

function digestAndSize(content: string): { digest: string; size: number } {
  const { digest, size } = sourceOf(content);
  return { digest, size };
}
