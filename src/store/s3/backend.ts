import {
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { AssayError } from '../../contract';
import type { Backend, ByteRange, Entry, Source, TransferOptions } from '../backend';
import type { Bucket } from './bucket';
import { isBucketMissing, statusOf } from './errors';
import { pause } from './pause';
import { openObject } from './read';
import { abortUpload, openUploads } from './uploads';
import { write } from './write';

/** Times that a compare-and-swap is tried while another one of the same key is under way. */
const collisions = 20;

/** Keys below a bucket's prefix. Conditional writes stand in for locks: If-None-Match for objects, If-Match for values. */
export class S3Backend implements Backend {
  readonly url: string;
  readonly spool = null;
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.url = bucket.url;
    this.#bucket = bucket;
  }

  create(key: string, source: Source, options: TransferOptions = {}): Promise<'created' | 'exists'> {
    return write(this.#bucket, key, source, { ...options, once: true });
  }

  async replace(key: string, source: Source, options: TransferOptions = {}): Promise<void> {
    await write(this.#bucket, key, source, { ...options, once: false });
  }

  async read(key: string, range?: ByteRange): Promise<Readable | null> {
    return (await openObject(this.#bucket, key, range))?.body ?? null;
  }

  async stat(key: string): Promise<{ size: number; modified: number } | null> {
    const bucket = this.#bucket;
    const command = new HeadObjectCommand(bucket.at(key));
    try {
      const head = await bucket.ask('s3:GetObject', key, (client, options) => client.send(command, options));
      return { size: head.ContentLength ?? 0, modified: head.LastModified?.getTime() ?? 0 };
    } catch (error) {
      // The answer to HEAD has no body, so that a missing bucket looks the same: the next write names it.
      if (statusOf(error) === 404) return null;
      throw error;
    }
  }

  async *list(prefix: string): AsyncGenerator<Entry> {
    const bucket = this.#bucket;
    const skipped = bucket.prefix.length;
    let token: string | undefined;
    do {
      const command = new ListObjectsV2Command({
        Bucket: bucket.name,
        Prefix: bucket.prefix + prefix,
        ...(token !== undefined && { ContinuationToken: token }),
      });
      const page: ListObjectsV2CommandOutput = await bucket.ask('s3:ListBucket', null, (client, options) => client.send(command, options));
      for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
        yield { key: Key.slice(skipped), size: Size, modified: LastModified?.getTime() ?? 0 };
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      // gc must not take the rest for not there.
      if (page.IsTruncated === true && token === undefined)
        throw new AssayError(
          'StoreUnavailable',
          `The list of ${bucket.url} is cut off: the server says that there is more and not where it goes on. Use a server that pages lists as Amazon S3 does.`,
        );
    } while (token !== undefined);
  }

  async remove(key: string): Promise<void> {
    const command = new DeleteObjectCommand(this.#bucket.at(key));
    try {
      await this.#bucket.ask('s3:DeleteObject', key, (client, options) => client.send(command, options));
    } catch (error) {
      if (statusOf(error) !== 404 || isBucketMissing(error)) throw error;
    }
  }

  async load(key: string): Promise<{ bytes: Buffer; tag: string } | null> {
    const opened = await openObject(this.#bucket, key);
    return opened && { bytes: await buffer(opened.body), tag: opened.tag };
  }

  async swap(key: string, bytes: Buffer, expected: string | null): Promise<string | null> {
    const bucket = this.#bucket;
    const command = new PutObjectCommand({
      ...bucket.at(key),
      ...bucket.encryption,
      Body: bytes,
      ChecksumSHA256: createHash('sha256').update(bytes).digest('base64'),
      ...(expected === null ? { IfNoneMatch: '*' } : { IfMatch: expected }),
    });
    for (let attempt = 1; ; attempt++) {
      try {
        return (await bucket.ask('s3:PutObject', key, (client, options) => client.send(command, options))).ETag ?? '';
      } catch (error) {
        const status = statusOf(error);
        if (status === 409 && attempt < collisions) {
          await pause(attempt);
          continue;
        }
        if (status !== null && status < 500 && (![404, 409, 412].includes(status) || isBucketMissing(error))) throw error;
        // Refused, or no answer came: in both cases the write may have landed at an earlier try.
        const there = await this.load(key);
        if (there?.bytes.equals(bytes) === true) return there.tag;
        if (status === 412 || status === 404) return null;
        throw error;
      }
    }
  }

  async sweep(olderThanMilliseconds: number): Promise<number> {
    const bucket = this.#bucket;
    let swept = 0;
    for await (const { key, id, begun } of openUploads(bucket, '')) {
      if (begun > Date.now() - olderThanMilliseconds) continue;
      if (await abortUpload(bucket, key, id)) swept++;
    }
    return swept;
  }
}
