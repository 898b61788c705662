import { HeadObjectCommand, type HeadObjectCommandOutput, PutObjectCommand } from '@aws-sdk/client-s3';
import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { AssayError } from '../../contract';
import type { Source, TransferOptions } from '../backend';
import { hexOf } from '../keys';
import type { Bucket } from './bucket';
import { codeIn, isBucketMissing, statusOf } from './errors';
import { memory, uploadMemory } from './memory';
import { pause } from './pause';
import { openObject } from './read';
import { abortUpload, completeUpload, digestField, leaveUpload, openUpload, type Part, sendPart, type Upload } from './uploads';

/** An upload of more bytes is preceded by a question whether they are there. */
const askFirstBytes = 1 << 20;
/** Up to here an object goes in one request, and beyond in parts of at least this size, bytes. */
const partSize = 8 << 20;
const mostParts = 10_000;
/** Parts of one object under way at a time. */
const parallel = 4;
/** Times that a write is begun again because another writer of the key came between. */
const attempts = 8;

export interface WriteOptions extends TransferOptions {
  /** Only where the key is free. */
  once: boolean;
}

/** Writes the bytes of `source`, whole or not at all; an answer that was lost is made up for by looking. */
export async function write(bucket: Bucket, key: string, source: Source, options: WriteOptions): Promise<'created' | 'exists'> {
  const inParts = source.size > partSize;
  if (source.size > askFirstBytes && options.once) {
    const found = await compare(bucket, key, source);
    if (found === 'same') return 'exists';
    if (found === 'other') throw damaged(bucket, key, source);
  }
  for (let attempt = 1; ; attempt++) {
    options.signal?.throwIfAborted();
    try {
      await (inParts ? writeParts : writeWhole)(bucket, key, source, options);
      if (!inParts) options.onProgress?.(source.size);
      return 'created';
    } catch (error) {
      const lost = isLost(error);
      if (!lost && !hasCollided(error)) throw error;
      const found = await compare(bucket, key, source).catch(() => 'unknown');
      if (found === 'same') return statusOf(error) === null ? 'created' : 'exists';
      if (found === 'other' && options.once) throw damaged(bucket, key, source);
      if (lost || attempt >= attempts) throw error;
      await pause(attempt, options.signal);
    }
  }
}

/** No answer came, or none that says whether the write took place. */
function isLost(error: unknown): boolean {
  const status = statusOf(error);
  return error instanceof AssayError && error.type === 'StoreUnavailable' && (status === null || status >= 500);
}

/** 409: a write of this key is under way; 412: the key is taken; else another uploader ended our upload, or sent a part of it again. */
function hasCollided(error: unknown): boolean {
  const status = statusOf(error);
  return status === 409 || status === 412 || (status === 404 && !isBucketMissing(error)) || codeIn(error) === 'InvalidPart';
}

async function writeWhole(bucket: Bucket, key: string, source: Source, { once, signal }: WriteOptions): Promise<void> {
  const all = pieces(source, source.size);
  const { value } = await all.next();
  // Nothing comes of an empty source.
  const { bytes, release } = value ?? { bytes: Buffer.alloc(0), release: () => {} };
  try {
    const command = new PutObjectCommand({
      ...bucket.at(key),
      ...bucket.encryption,
      Body: bytes,
      ContentLength: bytes.length,
      // The server refuses other bytes.
      ChecksumSHA256: base64(source.digest),
      Metadata: { [digestField]: hexOf(source.digest) },
      ...(once && { IfNoneMatch: '*' }),
    });
    try {
      await bucket.ask('s3:PutObject', key, (client, options) => client.send(command, options), { signal, bytes: bytes.length });
    } catch (error) {
      if (statusOf(error) === 400 && sha256(bytes).digest('hex') !== hexOf(source.digest)) throw changed(source);
      throw error;
    }
  } finally {
    release();
    await all.return(undefined);
  }
}

/** Reads and hashes one part after another, while those before are under way. What was sent before a crash is not sent again. */
async function writeParts(bucket: Bucket, key: string, source: Source, options: WriteOptions): Promise<void> {
  const upload = await openUpload(bucket, key, source);
  try {
    await sendAll(bucket, key, source, upload, options);
  } finally {
    leaveUpload(upload);
  }
}

async function sendAll(
  bucket: Bucket,
  key: string,
  source: Source,
  upload: Upload,
  { once, signal, onProgress }: WriteOptions,
): Promise<void> {
  const whole = createHash('sha256');
  const parts: Part[] = [];
  const underWay = new Set<Promise<unknown>>();
  const failures: unknown[] = [];
  let durable = 0;
  const keep = (number: number, part: Part): void => {
    parts[number - 1] = part;
    durable += part.size;
    onProgress?.(durable);
  };
  let number = 0;
  try {
    for await (const { bytes, release } of pieces(source, partSizeOf(source))) {
      number++;
      whole.update(bytes);
      const checksum = sha256(bytes).digest('base64');
      const there = upload.parts.get(number);
      if (there?.size === bytes.length && there.checksum === checksum) {
        release();
        keep(number, there);
        continue;
      }
      const place = number;
      const sending = sendPart(bucket, key, { upload, number, bytes, checksum, signal })
        .then((part) => keep(place, part))
        .catch((error: unknown) => failures.push(error))
        .finally(() => {
          release();
          underWay.delete(sending);
        });
      underWay.add(sending);
      if (underWay.size >= parallel) await Promise.race(underWay);
      if (failures.length > 0) break;
    }
  } finally {
    await Promise.all(underWay);
  }
  if (failures.length > 0) throw failures[0];
  if (whole.digest('hex') !== hexOf(source.digest)) {
    if (upload.own) await abortUpload(bucket, key, upload.id);
    throw changed(source);
  }
  signal?.throwIfAborted();
  try {
    await completeUpload(bucket, key, upload, parts, once);
  } catch (error) {
    // The key is taken, so that nobody needs the parts any more.
    if (statusOf(error) === 412) await abortUpload(bucket, key, upload.id).catch(() => false);
    throw error;
  }
}

/** The source, part by part; each holds memory until it is released. */
async function* pieces(source: Source, size: number): AsyncGenerator<{ bytes: Buffer; release: () => void }, undefined> {
  if (typeof source.from !== 'string') {
    for (let at = 0; at < source.size; at += size) yield { bytes: source.from.subarray(at, at + size), release: () => {} };
    return undefined;
  }
  const file = await open(source.from);
  try {
    for (let at = 0; at < source.size; at += size) {
      const held = await memory.take(size);
      const bytes = held.subarray(0, Math.min(size, source.size - at));
      try {
        if (!(await fill(file, bytes, at))) throw changed(source);
      } catch (error) {
        memory.give(held);
        throw error;
      }
      yield { bytes, release: () => memory.give(held) };
    }
    return undefined;
  } finally {
    await file.close();
  }
}

function partSizeOf({ size }: Source): number {
  const least = Math.ceil(size / mostParts / (1 << 20)) * (1 << 20);
  if (least <= uploadMemory) return Math.max(partSize, least);
  throw new AssayError(
    'Unsupported',
    `An object of ${size} bytes cannot be stored on S3: expected at most ${mostParts * (61 << 20)}; split the file.`,
  );
}

/** Whether the file has as many bytes as wanted. */
async function fill(file: FileHandle, bytes: Buffer, position: number): Promise<boolean> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, at, bytes.length - at, position + at);
    if (bytesRead === 0) return false;
    at += bytesRead;
  }
  return true;
}

/** Whether the key holds the bytes of `source`: by what the server knows of them, else by reading them. */
async function compare(bucket: Bucket, key: string, source: Source): Promise<'same' | 'other' | 'none'> {
  const command = new HeadObjectCommand({ ...bucket.at(key), ChecksumMode: 'ENABLED' });
  let head: HeadObjectCommandOutput;
  try {
    head = await bucket.ask('s3:GetObject', key, (client, options) => client.send(command, options));
  } catch (error) {
    if (statusOf(error) === 404) return 'none';
    throw error;
  }
  if (head.ContentLength !== source.size) return 'other';
  // That of a multipart object is one of its parts' checksums, and ends with their number.
  const checksum = head.ChecksumSHA256?.includes('-') === true ? undefined : head.ChecksumSHA256;
  const said = checksum === undefined ? head.Metadata?.[digestField] : Buffer.from(checksum, 'base64').toString('hex');
  if (said !== undefined) return said === hexOf(source.digest) ? 'same' : 'other';
  const opened = await openObject(bucket, key);
  if (opened === null) return 'none';
  const hash = createHash('sha256');
  for await (const chunk of opened.body as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex') === hexOf(source.digest) ? 'same' : 'other';
}

function changed({ digest, size, from }: Source): AssayError {
  const name = typeof from === 'string' ? from : 'The bytes to be stored';
  return new AssayError(
    'ObjectCorrupt',
    `${name} changed while being stored: expected ${size} bytes of ${digest}. Nothing was kept of it; store it again when it is at rest.`,
  );
}

function damaged(bucket: Bucket, key: string, { digest, size }: Source): AssayError {
  return new AssayError(
    'ObjectCorrupt',
    `s3://${bucket.name}/${bucket.prefix}${key} holds other bytes than the ${size} of ${digest}: it was damaged, or another program wrote it. ` +
      'Store the data again, or repair it from a replica: assay store scrub.',
    { details: { damagedKey: key } },
  );
}

const sha256 = (bytes: Buffer): Hash => createHash('sha256').update(bytes);

const base64 = (digest: string): string => Buffer.from(hexOf(digest), 'hex').toString('base64');
