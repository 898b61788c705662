import type { Readable } from 'node:stream';
import type { Ref } from '../contract';
import type { Backend, ByteRange, TransferOptions } from './backend';

/**
 * Immutable objects named by SHA-256, and small mutable names, on one backend or replicated over several. Everything read is verified
 * against its digest; an object that is damaged or missing in one replica is read from another and repaired.
 */
export interface Store {
  /** As in ASSAY_STORE: one URL, or several with commas. */
  readonly url: string;
  /** Durable in a majority of the replicas when it resolves. */
  put(data: Buffer | string | Readable, mediaType: string, options?: TransferOptions): Promise<Ref>;
  putFile(path: string, mediaType: string, options?: TransferOptions): Promise<Ref>;
  /** Canonical JSON: sorted keys, no spaces, so that equal values share a digest. */
  putJson(value: unknown): Promise<Ref>;
  /** Many files at once, small ones packed together; answers come in the order of the files. */
  putFiles(paths: Iterable<string> | AsyncIterable<string>, options?: FolderOptions): AsyncIterable<StoredFile>;
  /** With a range the whole object is still read and verified; only those bytes are kept. */
  get(ref: Pick<Ref, 'digest'>, range?: ByteRange): Promise<Buffer>;
  getJson<T>(ref: Pick<Ref, 'digest'>): Promise<T>;
  /** Ends with an error where the bytes turn out not to be those of the digest. */
  stream(ref: Pick<Ref, 'digest'>): Promise<Readable>;
  /** Streams to `path`, which appears whole and verified or not at all. */
  fetchTo(ref: Pick<Ref, 'digest'>, path: string): Promise<void>;
  /** Whether a majority of the replicas has it (a single store: whether it has it). What gc had marked is revived. */
  has(ref: Pick<Ref, 'digest'>): Promise<boolean>;
  /** Every object once, packed ones too, by digest. */
  list(): AsyncIterable<StoredObject>;
  /** From every replica, whatever still refers to it. */
  delete(digest: string): Promise<void>;
  /** Reads and hashes it in every replica. With `repair` a sound copy first replaces those that are damaged or missing. */
  verify(digest: string, options?: { repair?: boolean }): Promise<Verification>;
  /** Stores the regular files below `dir`; the reference is that of the manifest. */
  putFolder(dir: string, options?: FolderOptions): Promise<Ref>;
  /** Replaces `dir` by the folder; `dir` is whole whenever it exists. */
  fetchFolder(ref: Pick<Ref, 'digest'>, dir: string, options?: FolderOptions): Promise<void>;
  /** Waits for writes to further replicas and for repairs, which go on after their callers were answered. */
  settle(): Promise<void>;
  readonly refs: Refs;
  /** In the order of the URL. */
  readonly replicas: readonly Backend[];
}

export interface FolderOptions {
  /** Paths to fetch; default all. */
  only?: ReadonlySet<string> | undefined;
  onProgress?: ((done: { files: number; bytes: number }) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface StoredFile {
  path: string;
  digest: string;
  size: number;
}

export interface StoredObject {
  digest: string;
  size: number;
  modified: number;
  /** Digest of the pack it lies in; null where it is an object of its own. */
  pack: string | null;
}

export interface Verification {
  digest: string;
  replicas: { url: string; state: 'sound' | 'missing' | 'corrupt' | 'unavailable'; detail: string }[];
}

export interface Refs {
  get<T>(name: string): Promise<{ value: T; version: string } | null>;
  /** Compare-and-swap: `expectedVersion` null means that the name must not exist. Returns the new version; throws RefConflict. */
  set(name: string, value: unknown, expectedVersion: string | null): Promise<string>;
  /** Reads, applies `fn`, writes; again from the start where another writer came between. */
  update<T>(name: string, fn: (old: T | null) => T): Promise<T>;
  /** Removes the name and its history; throws RefConflict. */
  remove(name: string, expectedVersion: string): Promise<void>;
  /** Names that start with `prefix`, sorted. */
  list(prefix: string): Promise<string[]>;
  /** Former values, newest first: at most 20, and no more than 64 KB of them. */
  history<T>(name: string): Promise<{ value: T; version: string; at: string }[]>;
}

/** A place of compare-and-swap values: one backend's own, or one made of several by consensus. Same contract as Backend.load and swap. */
export interface Registers {
  load(key: string): Promise<{ bytes: Buffer; tag: string } | null>;
  swap(key: string, bytes: Buffer, expected: string | null): Promise<string | null>;
  list(prefix: string): AsyncIterable<{ key: string }>;
  remove(key: string): Promise<void>;
}
