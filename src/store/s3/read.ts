import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import type { ByteRange } from '../backend';
import type { Bucket } from './bucket';
import { isBucketMissing, s3Failure, statusOf } from './errors';
import { pause } from './pause';

/** Times in a row that a download is taken up again without a byte in between. */
const attempts = 5;

export interface Opened {
  body: Readable;
  tag: string;
}

/** The bytes of a key, taken up again where the connection breaks; null where there is no such key. */
export async function openObject(bucket: Bucket, key: string, range?: ByteRange): Promise<Opened | null> {
  const start = range?.start ?? 0;
  if (range !== undefined && range.end <= start) {
    const one = await openObject(bucket, key, { start: 0, end: 1 });
    one?.body.destroy();
    return one && { ...one, body: Readable.from([]) };
  }
  try {
    const first = await fetchFrom(bucket, key, start, range?.end);
    return { body: Readable.from(bytes(bucket, key, first, start), { objectMode: false, highWaterMark: 1 << 16 }), tag: first.ETag ?? '' };
  } catch (error) {
    if (statusOf(error) === 404 && !isBucketMissing(error)) return null;
    // Nothing lies in that range: the object is there and ends before it.
    if (statusOf(error) === 416) return { body: Readable.from([]), tag: '' };
    throw error;
  }
}

function fetchFrom(bucket: Bucket, key: string, start: number, end?: number, tag?: string): Promise<GetObjectCommandOutput> {
  const range = start === 0 && end === undefined ? {} : { Range: `bytes=${start}-${end === undefined ? '' : end - 1}` };
  const command = new GetObjectCommand({ ...bucket.at(key), ...range, ...(tag !== undefined && { IfMatch: tag }) });
  return bucket.ask('s3:GetObject', key, (client, options) => client.send(command, options));
}

async function* bytes(bucket: Bucket, key: string, first: GetObjectCommandOutput, start: number): AsyncGenerator<Buffer> {
  const end = start + (first.ContentLength ?? 0);
  let at = start;
  let body = first.Body as Readable;
  let chunks = body.iterator() as AsyncIterator<Buffer>;
  let failures = 0;
  try {
    while (at < end) {
      const chunk = await next(chunks);
      if (Buffer.isBuffer(chunk)) {
        at += chunk.length;
        failures = 0;
        yield chunk;
        continue;
      }
      body.destroy();
      const failure = s3Failure(chunk.error ?? new Error('the answer ended early'), {
        right: 's3:GetObject',
        bucket: bucket.name,
        key: bucket.prefix + key,
      });
      if (++failures >= attempts) throw failure;
      await pause(failures);
      body = (await fetchFrom(bucket, key, at, end, first.ETag)).Body as Readable;
      chunks = body.iterator();
    }
  } finally {
    body.destroy();
  }
}

/** The next chunk, or why there is none. */
async function next(chunks: AsyncIterator<Buffer>): Promise<Buffer | { error: unknown }> {
  try {
    const { done, value } = await chunks.next();
    return done === true ? { error: null } : value;
  } catch (error) {
    return { error };
  }
}
