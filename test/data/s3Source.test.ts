// Data in a bucket of a real S3 server: what is listed, in which version it is read, and what is noticed.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { mkdirSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { CreateBucketCommand, DeleteObjectCommand, PutBucketVersioningCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { Manifest } from '../../src/contract';
import { openSource, snapshotData, verifySource } from '../../src/data';
import { storeTree } from '../../src/data/storeTree';
import { s3Client } from '../../src/store';
import { filesBelow, removeTemporaryFolders, temporaryFolder } from '../store/helpers';
import { makeBucket, type S3Server, startS3, startToxiproxy, stopServers, useS3 } from '../store/servers';
import { csv, type Room, room, rows } from './helpers';

let server: S3Server;

beforeAll(async () => {
  server = await startS3();
});
afterAll(async () => {
  await stopServers();
  removeTemporaryFolders();
});

const write = async (bucket: string, key: string, body: string): Promise<void> => {
  await s3Client().send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: Buffer.from(body) }));
};

const take = async (at: Room, source: string) =>
  await snapshotData({ source, root: at.root, store: at.store, workDir: join(at.root, 'work'), indexDir: join(at.root, 'index') });

const pathsOf = async (at: Room, source: string): Promise<string[]> =>
  (await at.store.getJson<Manifest>((await take(at, source)).record.manifest)).files.map(({ path }) => path);

test('all objects below a prefix are the files, and one object is a file', async () => {
  const [at, bucket] = [room(), await makeBucket()];
  for (const key of ['set/dog/1.png', 'set/cat/2.png', 'set/cat/10.png', 'set2/cat/3.png', 'set/.git/HEAD'])
    await write(bucket, key, `pixels of ${key}`);
  await s3Client().send(new PutObjectCommand({ Bucket: bucket, Key: 'set/dog/', Body: Buffer.alloc(0) }));
  expect(await pathsOf(at, `s3://${bucket}/set`)).toEqual(['cat/10.png', 'cat/2.png', 'dog/1.png']);
  expect(await pathsOf(at, `s3://${bucket}/set/`)).toEqual(['cat/10.png', 'cat/2.png', 'dog/1.png']);
  expect(await pathsOf(at, `s3://${bucket}/set/cat/2.png`)).toEqual(['2.png']);
  expect(await pathsOf(at, `s3://${bucket}`)).toHaveLength(4);
});

test('an experiment reads a table from a bucket as it reads the same file here, and records its version', async () => {
  const [at, bucket] = [room(), await makeBucket()];
  at.write('data.csv', csv(rows(0, 90)));
  await write(bucket, 'tables/data.csv', csv(rows(0, 90)));
  const local = await at.snapshot();
  const source = `s3://${bucket}/tables/data.csv`;
  const { snapshot } = await at.snapshot({ source });
  expect(snapshot).toMatchObject({
    data: local.snapshot.data,
    splits: local.snapshot.splits,
    origin: { kind: 's3', bucket, prefix: 'tables/data.csv' },
  });
  if (snapshot.origin.kind !== 's3') throw new Error('no origin');
  expect(await at.store.getJson(snapshot.origin.versions)).toEqual({ 'data.csv': expect.stringMatching(/^"[0-9a-f]{32}"$/) });
  const spec = at.spec({ source });
  expect(await verifySource({ spec, snapshot, store: at.store })).toEqual({ changed: null });
  await write(bucket, 'tables/data.csv', csv(rows(0, 91)));
  expect(await verifySource({ spec, snapshot, store: at.store })).toEqual({ changed: 'changed: data.csv' });
  await s3Client().send(new DeleteObjectCommand({ Bucket: bucket, Key: 'tables/data.csv' }));
  expect((await verifySource({ spec, snapshot, store: at.store })).changed).toContain('there is no object of that key');
});

test('unchanged objects are not fetched again', async () => {
  const [at, bucket] = [room(), await makeBucket()];
  for (let i = 0; i < 12; i++) await write(bucket, `set/a/${i}`, `bytes ${i}`);
  const source = { source: `s3://${bucket}/set`, root: at.root };
  const options = { folder: at.root, store: at.store, anyFormat: true };
  const index = { index: join(at.root, 'index') };
  const first = await storeTree(await openSource(source, options), at.store, index);
  await write(bucket, 'set/a/3', 'other bytes');
  const second = await storeTree(await openSource(source, options), at.store, index);
  expect([first.read, second.read]).toEqual([12, 1]);
  expect(second.manifest).not.toEqual(first.manifest);
});

test('an object that is replaced between listing and reading is read as it is then', async () => {
  const [at, bucket] = [room(), await makeBucket()];
  await write(bucket, 'set/a/1', 'one');
  await write(bucket, 'set/a/2', 'two');
  const tree = await openSource({ source: `s3://${bucket}/set`, root: at.root }, { folder: at.root, store: at.store, anyFormat: true });
  await write(bucket, 'set/a/2', 'another');
  const { manifest } = await storeTree(tree, at.store);
  expect((await at.store.getJson<Manifest>(manifest)).files.map(({ size }) => size)).toEqual([3, 7]);
  const origin = await tree.origin();
  if (origin.kind !== 's3') throw new Error('no origin');
  const versions = await at.store.getJson<Record<string, string>>(origin.versions);
  const now = await openSource({ source: `s3://${bucket}/set`, root: at.root }, { folder: at.root, store: at.store, anyFormat: true });
  expect(now.files.map(({ path, stamp }) => [path, stamp])).toEqual(Object.entries(versions));
});

test('a bucket with versions is read in the versions that were listed, whatever is written or deleted since', async () => {
  const at = room();
  const { bucket, stop } = await versionedBucket();
  try {
    await write(bucket, 'set/a/1', 'old');
    await write(bucket, 'set/a/1', 'first version');
    await write(bucket, 'set/a/2', 'second');
    const tree = await openSource({ source: `s3://${bucket}/set`, root: at.root }, { folder: at.root, store: at.store, anyFormat: true });
    await write(bucket, 'set/a/1', 'later');
    await s3Client().send(new DeleteObjectCommand({ Bucket: bucket, Key: 'set/a/2' }));
    const { manifest } = await storeTree(tree, at.store);
    const [one, two] = (await at.store.getJson<Manifest>(manifest)).files;
    expect(String(await at.store.get(one as { digest: string }))).toBe('first version');
    expect(String(await at.store.get(two as { digest: string }))).toBe('second');
    expect(await pathsOf(at, `s3://${bucket}/set`)).toEqual(['a/1']);
  } finally {
    await stop();
  }
});

test('what is wrong with an address is told', async () => {
  const [at, bucket] = [room(), await makeBucket()];
  await write(bucket, 'set/1', 'x');
  const failing = async (source: string, type: string, message: RegExp): Promise<void> => {
    await expect(take(at, source)).rejects.toMatchObject({ type, message: expect.stringMatching(message) });
  };
  await failing(
    's3://no-such-bucket-here/x',
    'DataInvalid',
    /^The bucket "no-such-bucket-here" of s3:\/\/no-such-bucket-here\/\S* does not exist\. Correct its name\.$/,
  );
  await failing(
    `s3://${bucket}/none`,
    'DataInvalid',
    /there is no object of that key, and none below it\. Correct the bucket or the prefix\.$/,
  );
  await failing('s3:///x', 'DataInvalid', /^data\.source "s3:\/\/\/x": expected s3:\/\/bucket\/prefix or s3:\/\/bucket\/key\.$/);
  await write(bucket, 'empty.csv', '');
  await failing(`s3://${bucket}/empty.csv`, 'DataInvalid', /^empty\.csv is empty \(0 bytes\)/);
  const secret = process.env['AWS_SECRET_ACCESS_KEY'];
  process.env['AWS_SECRET_ACCESS_KEY'] = 'wrong';
  try {
    await failing(`s3://${bucket}/set`, 'DataInvalid', /may not be read with these credentials/);
  } finally {
    process.env['AWS_SECRET_ACCESS_KEY'] = secret;
  }
});

test('a connection that breaks off is told as the way to the bucket, and leaves nothing half', async () => {
  const [at, bucket] = [room(), await makeBucket()];
  await write(bucket, 'data.bin', 'x'.repeat(3_000_000));
  const proxy = await (await startToxiproxy()).proxy('s3', server.port);
  useS3(proxy.port);
  try {
    const source = `s3://${bucket}/data.bin`;
    await proxy.add({ type: 'limit_data', stream: 'downstream', attributes: { bytes: 1_000_000 } });
    await expect(take(at, source)).rejects.toMatchObject({
      type: 'StoreUnavailable',
      message: expect.stringMatching(/^s3:\/\/\S+\/data\.bin cannot be read now \(\w+\)\. See that the server answers\.$/),
    });
    expect(filesBelow(join(at.root, 'work'))).toEqual([]);
    await proxy.clear();
    expect((await take(at, source)).record.bytes).toBe(3_000_000);
  } finally {
    useS3(server.port);
  }
});

/** versitygw keeps versions where it has a folder for them. */
async function versionedBucket(): Promise<{ bucket: string; stop: () => Promise<void> }> {
  const folder = temporaryFolder();
  for (const name of ['data', 'versions']) mkdirSync(join(folder, name));
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  const before = { ...process.env };
  const args = [
    '--port',
    `127.0.0.1:${port}`,
    '--health',
    '/health',
    '--quiet',
    'posix',
    '--versioning-dir',
    join(folder, 'versions'),
    join(folder, 'data'),
  ];
  const child = spawn(process.env['ASSAY_TEST_S3'] ?? 'versitygw', args, {
    env: { ...process.env, ROOT_ACCESS_KEY: 'assay', ROOT_SECRET_KEY: 'assay-secret' },
    stdio: 'ignore',
  });
  for (const end = Date.now() + 20_000; Date.now() < end; await new Promise((done) => setTimeout(done, 20)))
    if (
      await fetch(`http://127.0.0.1:${port}/health`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      break;
  useS3(port);
  const bucket = 'versioned';
  await s3Client().send(new CreateBucketCommand({ Bucket: bucket }));
  await s3Client().send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  return {
    bucket,
    stop: async () => {
      process.env = before;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
