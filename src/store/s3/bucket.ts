import type { S3Client } from '@aws-sdk/client-s3';
import type { Address } from './address';
import type { Encryption } from './client';
import { s3Failure } from './errors';

export interface AskOptions {
  signal?: AbortSignal | undefined;
  /** Bytes that go along: a slow line may take long over them. */
  bytes?: number;
}

/** One bucket and prefix, and how it is spoken to. */
export class Bucket {
  readonly url: string;
  readonly name: string;
  readonly prefix: string;
  readonly encryption: Encryption;
  readonly #client: S3Client;

  constructor(url: string, { bucket, prefix }: Address, client: S3Client, encryption: Encryption) {
    this.url = url;
    this.name = bucket;
    this.prefix = prefix;
    this.encryption = encryption;
    this.#client = client;
  }

  at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.name, Key: this.prefix + key };
  }

  /** Sends a request that needs `right`; what fails is an `AssayError` with code and status in its details. */
  async ask<T>(
    right: string,
    key: string | null,
    send: (client: S3Client, options: { abortSignal?: AbortSignal; requestTimeout: number }) => Promise<T>,
    { signal, bytes = 0 }: AskOptions = {},
  ): Promise<T> {
    // A minute, and as long as the bytes take at 32 kB/s.
    const requestTimeout = 60_000 + bytes / 32;
    try {
      return await send(this.#client, { ...(signal !== undefined && { abortSignal: signal }), requestTimeout });
    } catch (error) {
      signal?.throwIfAborted();
      throw s3Failure(error, { right, bucket: this.name, key: key === null ? null : this.prefix + key });
    }
  }
}
