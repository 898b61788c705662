import type { Readable } from 'node:stream';
import { AssayError } from '../contract';

/**
 * One place that keeps bytes under keys such as `objects/ab/cd…`: a folder, or a bucket with a prefix. A store has one or several.
 * What cannot be reached rejects with `StoreUnavailable`; everything else a caller may expect is in the answers.
 */
export interface Backend {
  readonly url: string;
  /**
   * Writes once: durable when it resolves, never visible in part. `exists`: the key was there already and is untouched.
   * An answer that was lost after the write is `created` or `exists`, never an error. Bytes that are not those of
   * `source.digest` reject with `ObjectCorrupt` and leave nothing; where it is the key that is found to hold other bytes, the error is
   * an `isDamagedThere`.
   */
  create(key: string, source: Source, options?: TransferOptions): Promise<'created' | 'exists'>;
  /** As `create`, over whatever is there: for the repair of a damaged object. */
  replace(key: string, source: Source, options?: TransferOptions): Promise<void>;
  /** Bytes `start` to `end` (exclusive; default all); null where there is no such key. Not verified here. */
  read(key: string, range?: ByteRange): Promise<Readable | null>;
  stat(key: string): Promise<{ size: number; modified: number } | null>;
  /** Keys that start with `prefix`, in code unit order. */
  list(prefix: string): AsyncIterable<Entry>;
  /** No error where there is nothing. */
  remove(key: string): Promise<void>;
  /** A small value and the tag of its present version; null where there is none. */
  load(key: string): Promise<{ bytes: Buffer; tag: string } | null>;
  /**
   * Compare-and-swap of a small value: `expected` null means that there must be none. The new tag, or null where another tag is there.
   * `bytes` must be unlike all that any writer ever offers under this key (a random token inside), so that a lost answer can be told from a lost race.
   */
  swap(key: string, bytes: Buffer, expected: string | null): Promise<string | null>;
  /** Removes what writers that are gone left half-done and nobody will go on with; the number of things removed. */
  sweep(olderThanMilliseconds: number): Promise<number>;
  /** A folder on the same disk where a file may be made that `create` then takes by renaming; null where there is none. */
  readonly spool: string | null;
}

/** Bytes to be written, whose digest is known before. */
export interface Source {
  /** `sha256:…` */
  digest: string;
  size: number;
  /** The bytes, or the path of a file with them. */
  from: Buffer | string;
  /** A path that `create` may move instead of copying: it lies in that backend's `spool`, is synced, and was hashed while it was written. */
  movable?: boolean;
}

export interface ByteRange {
  start: number;
  end: number;
}

export interface Entry {
  key: string;
  size: number;
  /** Milliseconds since 1970, by the backend's clock. */
  modified: number;
}

export interface TransferOptions {
  /** Bytes durable so far, of this source. */
  onProgress?: ((bytes: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Whether a `create` failed since the key holds other bytes, rather than since the source changed: `replace` mends it. */
export const isDamagedThere = (error: unknown): boolean =>
  error instanceof AssayError && error.type === 'ObjectCorrupt' && error.details?.['damagedKey'] !== undefined;
