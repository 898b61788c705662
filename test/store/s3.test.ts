import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { mediaTypes } from '../../src/contract';
import { openStore } from '../../src/store';
import type { Backend } from '../../src/store/backend';
import { objectKey } from '../../src/store/keys';
import { openS3, parseAddress, s3Client } from '../../src/store/s3';
import { fileSource, sourceOf } from './conformance';
import { removeTemporaryFolders, temporaryFolder } from './helpers';
import { makeBucket, type S3Server, startS3, stopServers, useS3 } from './servers';

const megabyte = 1 << 20;
let server: S3Server;

beforeAll(async () => {
  server = await startS3();
});
beforeEach(() => useS3(server.port));
afterAll(async () => {
  await stopServers();
  removeTemporaryFolders();
});

/** A client that notes the headers of each request. */
function noting(): { client: S3Client; headers: Record<string, string>[] } {
  const headers: Record<string, string>[] = [];
  const client = s3Client({});
  const note =
    <Args extends { request: unknown }, Result>(next: (args: Args) => Promise<Result>) =>
    (args: Args): Promise<Result> => {
      headers.push((args.request as { headers: Record<string, string> }).headers);
      return next(args);
    };
  client.middlewareStack.add(note, { step: 'finalizeRequest', name: 'note', priority: 'low' });
  return { client, headers };
}

test('an address has a bucket and a prefix, and a wrong one is refused with what is expected', () => {
  expect(parseAddress('s3://bucket')).toEqual({ bucket: 'bucket', prefix: '' });
  expect(parseAddress('s3://bucket/a//b/')).toEqual({ bucket: 'bucket', prefix: 'a/b/' });
  for (const [url, said] of [
    ['s3://', 'names no bucket: expected s3://bucket/prefix'],
    ['s3://Bucket/a', 'names no bucket'],
    ['s3://bucket/ä', 'has other characters than'],
    ['s3://AKIAKEY:hidden@bucket', 'no "@"'],
    ['s3://bucket/a?versionId=hidden', 'expected s3://bucket/prefix'],
  ] as const) {
    expect(() => parseAddress(url)).toThrow(said);
    expect(() => parseAddress(url)).not.toThrow('hidden');
  }
});

test('two stores under different prefixes of a bucket see nothing of each other', async () => {
  const bucket = await makeBucket();
  const [one, other] = [openS3(`s3://${bucket}/team`), openS3(`s3://${bucket}/team-b`)];
  await one.create('objects/x', sourceOf('x'));
  expect(await other.stat('objects/x')).toBeNull();
  const keys: string[] = [];
  for await (const { key } of one.list('')) keys.push(key);
  expect(keys).toEqual(['objects/x']);
});

test('what is missing is said in one sentence with its mend, and no secret is in it', async () => {
  const { digest, from, size } = sourceOf('x');
  const url = `s3://${await makeBucket()}/p`;
  const failure = (of = url): Promise<Error> =>
    openS3(of)
      .create('k', { digest, from, size })
      .then(
        () => new Error('it worked'),
        (error: Error) => error,
      );
  const said: Error[] = [];
  said.push(await failure('s3://nobody-made-it'));
  expect(said.at(-1)).toMatchObject({
    type: 'StoreUnavailable',
    message: expect.stringContaining('make it: aws s3 mb s3://nobody-made-it'),
  });
  process.env.AWS_SECRET_ACCESS_KEY = 'wrong-secret';
  said.push(await failure());
  expect(said.at(-1)?.message).toContain('does not know these credentials: correct AWS_PROFILE');
  delete process.env.AWS_SECRET_ACCESS_KEY;
  said.push(await failure());
  expect(said.at(-1)?.message).toContain('No credentials were found: set AWS_PROFILE');
  useS3(server.port);
  delete process.env.AWS_REGION;
  said.push(await failure());
  expect(said.at(-1)?.message).toContain('No region is known: set AWS_REGION');
  for (const { message, stack = '' } of said) expect(`${message} ${stack}`).not.toMatch(/assay-secret|wrong-secret|Signature=/);
  expect(new Set(said.map((error) => (error as { type?: string }).type))).toEqual(new Set(['StoreUnavailable']));
});

test('the encryption asked for goes with every write', async () => {
  const url = `s3://${await makeBucket()}`;
  Object.assign(process.env, { ASSAY_S3_SSE: 'aws:kms', ASSAY_S3_KMS_KEY: 'the-key' });
  try {
    const { client, headers } = noting();
    const backend = openS3(url, client);
    // This server may refuse encryption: what is asked for is the subject.
    const small = sourceOf('x');
    const big = sourceOf(Buffer.alloc(9 * megabyte));
    await Promise.allSettled([
      backend.create('a', small),
      backend.create('b', big),
      backend.replace('c', small),
      backend.swap('d', small.from, null),
    ]);
    const writes = headers.filter((one) => one['x-amz-server-side-encryption'] !== undefined);
    expect(writes.length).toBeGreaterThanOrEqual(4);
    expect(new Set(writes.map((one) => one['x-amz-server-side-encryption-aws-kms-key-id']))).toEqual(new Set(['the-key']));
    process.env.ASSAY_S3_SSE = 'AES-256';
    expect(() => openS3(url)).toThrow('ASSAY_S3_SSE is "AES-256": expected AES256, aws:kms or aws:kms:dsse, or unset it.');
    delete process.env.ASSAY_S3_SSE;
    expect(() => openS3(url)).toThrow('ASSAY_S3_SSE must be aws:kms');
  } finally {
    delete process.env.ASSAY_S3_SSE;
    delete process.env.ASSAY_S3_KMS_KEY;
  }
});

test('an object of other bytes under the key of a digest is named, and not taken for ours', async () => {
  const bucket = await makeBucket();
  const backend = openS3(`s3://${bucket}`);
  const { digest, size, from } = sourceOf('right');
  for (const other of ['wrong', 'of another size']) {
    await s3Client().send(new PutObjectCommand({ Bucket: bucket, Key: objectKey(digest), Body: other }));
    await expect(backend.create(objectKey(digest), { digest, size, from })).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: expect.stringMatching(`s3://${bucket}/${objectKey(digest)} holds other bytes than the 5 of ${digest}`),
    });
    await backend.replace(objectKey(digest), { digest, size, from });
    expect(await backend.create(objectKey(digest), { digest, size, from })).toBe('exists');
  }
});

test('an object that another program copied there, without our digest beside it, is read and recognised', async () => {
  const bucket = await makeBucket();
  const source = sourceOf('copied');
  await s3Client().send(new PutObjectCommand({ Bucket: bucket, Key: objectKey(source.digest), Body: source.from }));
  expect(await openS3(`s3://${bucket}`).create(objectKey(source.digest), source)).toBe('exists');
});

test('an upload that was left is taken up: parts that are right are kept, and a wrong one is sent again', async () => {
  const bucket = await makeBucket();
  const source = sourceOf(randomBytes(20 * megabyte));
  const place = { Bucket: bucket, Key: objectKey(source.digest) };
  const { UploadId } = await s3Client().send(new CreateMultipartUploadCommand({ ...place, ChecksumAlgorithm: 'SHA256' }));
  const part = (PartNumber: number, Body: Buffer): UploadPartCommand =>
    new UploadPartCommand({ ...place, UploadId, PartNumber, Body, ChecksumSHA256: createHash('sha256').update(Body).digest('base64') });
  await s3Client().send(part(1, source.from.subarray(0, 8 * megabyte)));
  await s3Client().send(part(2, randomBytes(8 * megabyte)));
  const { client, headers } = noting();
  const backend = openS3(`s3://${bucket}`, client);
  expect(await backend.create(place.Key, source)).toBe('created');
  const sent = headers.map((one) => Number(one['content-length'] ?? 0)).filter((size) => size >= megabyte);
  expect(new Set(sent)).toEqual(new Set([4 * megabyte, 8 * megabyte]));
  expect(sent).toHaveLength(2);
  const body = await backend.read(place.Key);
  expect(body && (await buffer(body)).equals(source.from)).toBe(true);
});

test('an uploader whose file changed does not take the upload from one whose file is right', async () => {
  const url = `s3://${await makeBucket()}`;
  const source = fileSource(randomBytes(30 * megabyte));
  const bytes = readFileSync(source.from);
  bytes[29 * megabyte] = 1 ^ (bytes[29 * megabyte] ?? 0);
  const wrong = { ...source, from: join(temporaryFolder(), 'changed') };
  writeFileSync(wrong.from, bytes);
  const key = objectKey(source.digest);
  const [right, other] = await Promise.allSettled([openS3(url).create(key, source), openS3(url).create(key, wrong)]);
  expect(right.status).toBe('fulfilled');
  // It may have found the object there, written by the other one.
  expect(other.status === 'rejected' ? String(other.reason) : 'exists').toMatch(/^exists$|^ObjectCorrupt: .*changed while being stored/);
  const body = await openS3(url).read(key);
  expect(body && sourceOf(await buffer(body)).digest).toBe(source.digest);
});

test('sweeping ends the uploads that are older than asked, of this store alone', async () => {
  const bucket = await makeBucket();
  for (const key of ['store/objects/a', 'store/objects/b', 'elsewhere/c']) {
    await s3Client().send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: key }));
  }
  const backend = openS3(`s3://${bucket}/store`);
  expect(await backend.sweep(3_600_000)).toBe(0);
  expect(await backend.sweep(-60_000)).toBe(2);
  const left = (await s3Client().send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? [];
  expect(left.map(({ Key }) => Key)).toEqual(['elsewhere/c']);
});

test('uploading 400 MB takes no more memory than its budget of 64 MB beside the program', async () => {
  const url = `s3://${await makeBucket()}`;
  const sparse = (size: number): string => {
    const path = join(temporaryFolder(), 'sparse');
    const file = openSync(path, 'w');
    writeSync(file, Buffer.from('begin'));
    closeSync(file);
    truncateSync(path, size);
    return path;
  };
  const peak = async (size: number): Promise<number> => {
    const from = sparse(size);
    const hash = createHash('sha256').update('begin');
    const zeros = Buffer.alloc(megabyte);
    for (let left = size - 5; left > 0; left -= zeros.length) hash.update(zeros.subarray(0, Math.min(left, zeros.length)));
    const digest = `sha256:${hash.digest('hex')}`;
    const child = spawn(process.execPath, [join(__dirname, 's3Child.js'), url, objectKey(digest), from, digest, String(size)], {
      env: process.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const said = await text(child.stdout);
    return Number(/created, (\d+) MiB/.exec(said)?.[1] ?? Number.NaN);
  };
  const [small, big] = [await peak(1000), await peak(400 * megabyte)];
  expect(big - small).toBeLessThan(64 + 40);
});

test.each([5, 2 * megabyte, 9 * megabyte])(
  'storing an object of %i bytes heals a key that holds other bytes, of its own size or another, and blames the source only if it changed',
  async (size) => {
    const bucket = await makeBucket();
    const store = openStore(`s3://${bucket}`);
    const source = fileSource(randomBytes(size));
    for (const harm of [randomBytes(size), randomBytes(size - 1), Buffer.alloc(0)])
      for (const storeAgain of [
        () => store.putFile(source.from, mediaTypes.bytes),
        () => store.put(readFileSync(source.from), mediaTypes.bytes),
      ]) {
        await s3Client().send(new PutObjectCommand({ Bucket: bucket, Key: objectKey(source.digest), Body: harm }));
        await storeAgain();
        expect(sourceOf(await store.get(source)).digest).toBe(source.digest);
      }
    const [backend] = store.replicas as [Backend];
    const create = backend.create.bind(backend);
    backend.create = async (...args) => {
      writeFileSync(source.from, randomBytes(size));
      return await create(...args);
    };
    const changing = fileSource(randomBytes(size));
    source.from = changing.from;
    await expect(store.putFile(changing.from, mediaTypes.bytes)).rejects.toThrow(`${changing.from} changed while it was stored`);
    expect(await store.has(changing)).toBe(false);
  },
);

test('a list that a server cuts off without saying where it goes on is an error, and not a short list', async () => {
  const { client } = noting();
  const cut =
    <Args extends object, Result extends { output: object }>(next: (args: Args) => Promise<Result>) =>
    async (args: Args): Promise<Result> => {
      const result = await next(args);
      Object.assign(result.output, { IsTruncated: true, NextContinuationToken: undefined });
      return result;
    };
  const backend = openS3(`s3://${await makeBucket()}`, client);
  await backend.create('a', sourceOf('x'));
  client.middlewareStack.add(cut, { step: 'initialize', name: 'cut' });
  const list = backend.list('')[Symbol.asyncIterator]();
  await list.next();
  await expect(list.next()).rejects.toMatchObject({ type: 'StoreUnavailable', message: expect.stringContaining('is cut off') });
});
