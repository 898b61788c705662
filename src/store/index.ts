import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { AssayError, type Ref } from '../contract';
import { FileStore } from './fileStore';

export { canonicalJson } from './canonicalJson';
export { hashFile } from './files';
export { listFiles } from './folders';
export { RefConflict } from './refs';

/** Immutable objects named by SHA-256, and small mutable names. Everything read is verified against its digest. */
export interface Store {
  readonly url: string;
  put(data: Buffer | string | Readable, mediaType: string): Promise<Ref>;
  putFile(path: string, mediaType: string): Promise<Ref>;
  /** Canonical JSON: sorted keys, no spaces, so that equal values share a digest. */
  putJson(value: unknown): Promise<Ref>;
  get(ref: Ref): Promise<Buffer>;
  getJson<T>(ref: Ref): Promise<T>;
  /** Streams to `path`, which appears whole or not at all. */
  fetchTo(ref: Ref, path: string): Promise<void>;
  has(ref: Ref): Promise<boolean>;
  /** Stores the regular files below `dir`; the reference is that of the manifest. */
  putFolder(dir: string): Promise<Ref>;
  /** Replaces `dir` by the folder; `dir` is whole whenever it exists. */
  fetchFolder(ref: Ref, dir: string): Promise<void>;
  readonly refs: Refs;
}

export interface Refs {
  get<T>(name: string): Promise<{ value: T; version: string } | null>;
  /** Compare-and-swap: `expectedVersion` null means that the name must not exist. Returns the new version; throws RefConflict. */
  set(name: string, value: unknown, expectedVersion: string | null): Promise<string>;
  /** Reads, applies `fn`, writes; again from the start where another writer came between. */
  update<T>(name: string, fn: (old: T | null) => T): Promise<T>;
  /** Names that start with `prefix`, sorted. */
  list(prefix: string): Promise<string[]>;
}

/** `file:///absolute/dir`; the folder is made with the first write. */
export function openStore(url: string): Store {
  if (url.startsWith('file:///')) return new FileStore(url, fileURLToPath(url));
  throw new AssayError(
    'Unsupported',
    `The store "${url}" cannot be opened: this version keeps objects in a folder. Use file:///absolute/folder.`,
  );
}
