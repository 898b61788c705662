import { closeSync, openSync, readSync } from 'node:fs';
import { type Manifest, mediaTypes, type Ref, refNames } from '../contract';
import type { Store } from '../store';
import { dataInvalid } from './problem';
import type { Lent, SourceFile, SourceTree } from './sources/tree';
import { readIndex, type TreeIndex, writeIndex } from './treeIndex';

export interface StoredTree {
  /** Canonical; its digest names the snapshot. */
  manifest: Ref;
  files: number;
  bytes: number;
  /** Files whose bytes were read; the others are known by their stamp. */
  read: number;
}

export interface StoreTreeOptions {
  /** Folder of the indexes. Default: every file is read. */
  index?: string | undefined;
  heartbeat?: (() => void) | undefined;
  onProgress?: ((done: { files: number; bytes: number }) => void) | undefined;
}

/** Copies a source into the store. What is read afterwards is that copy, so a later change cannot tear it. */
export async function storeTree(tree: SourceTree, store: Store, options: StoreTreeOptions = {}): Promise<StoredTree> {
  const sizes = { files: tree.files.length, bytes: tree.files.reduce((sum, { size }) => sum + size, 0) };
  if (tree.stored !== undefined) return { manifest: tree.stored, ...sizes, read: 0 };
  const began = Date.now();
  const index = options.index === undefined ? null : await readIndex(options.index, tree, store.url);
  const kept = index !== null && (await store.refs.get(refNames.snapshot(index.manifest.digest))) !== null;
  if (index !== null && kept && isSame(tree.files, index)) return { manifest: index.manifest, ...sizes, read: 0 };
  const digests = index === null ? new Map<SourceFile, string>() : unchanged(tree.files, index);
  if (!kept) await forgetMissing(digests, store);

  const fresh = tree.files.filter((file) => !digests.has(file));
  const read = await storeFiles(tree, fresh, store, options);
  const files = tree.files.flatMap((file) => {
    const known = digests.get(file);
    return known === undefined ? (read.get(file.path) ?? []) : [{ ...file, digest: known }];
  });
  const entries: Manifest['files'] = files.map(({ path, size, digest, mode }) => ({ path, size, digest, ...(mode && { mode }) }));
  const manifest = { ...(await store.putJson({ files: entries } satisfies Manifest)), mediaType: mediaTypes.manifest };
  if (options.index !== undefined) await writeIndex(options.index, tree, store.url, { manifest, files, began });
  return { manifest, files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0), read: fresh.length };
}

function isSame(files: readonly SourceFile[], { paths, stamps }: TreeIndex): boolean {
  return files.length === paths.length && files.every(({ path, stamp }, i) => stamp === stamps[i] && path === paths[i]);
}

/** Both lists are in the order of the paths. */
function unchanged(files: readonly SourceFile[], { paths, stamps, digests }: TreeIndex): Map<SourceFile, string> {
  const known = new Map<SourceFile, string>();
  let at = 0;
  for (const file of files) {
    while (at < paths.length && (paths[at] as string) < file.path) at++;
    if (paths[at] === file.path && stamps[at] === file.stamp) known.set(file, `sha256:${digests.slice(64 * at, 64 * (at + 1))}`);
  }
  return known;
}

/** Without the record of the last snapshot nothing says that its objects are still there. */
async function forgetMissing(digests: Map<SourceFile, string>, store: Store): Promise<void> {
  const waiting = [...digests];
  const ask = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
      if (!(await store.has({ digest: next[1] }))) digests.delete(next[0]);
  };
  await Promise.all(Array.from({ length: 16 }, ask));
}

const tries = 2;

/** Reads each file once, and once more where it changed meanwhile. */
async function storeFiles(
  tree: SourceTree,
  files: readonly SourceFile[],
  store: Store,
  { heartbeat = () => undefined, onProgress }: StoreTreeOptions,
): Promise<Map<string, SourceFile & { digest: string }>> {
  const stored = new Map<string, SourceFile & { digest: string }>();
  const changes = new Map<string, number>();
  const done = { files: 0, bytes: 0 };
  let pending = [...files];
  const changed = (path: string): void => {
    const times = (changes.get(path) ?? 0) + 1;
    changes.set(path, times);
    if (times === tries)
      throw dataInvalid(
        `${nameOf(tree, path)} changed while it was read, twice. Wait until whatever writes it is done, or copy it and name the copy.`,
      );
  };
  while (pending.length > 0) {
    const lent: Lent[] = [];
    const again: SourceFile[] = [];
    let settled = 0;
    const settle = async (): Promise<SourceFile> => {
      const { file, settle: giveBack } = lent[settled++] as Lent;
      const now = await giveBack();
      if (now === null)
        throw dataInvalid(`${nameOf(tree, file.path)} was removed while it was read. Wait until whatever writes there is done.`);
      return now;
    };
    try {
      for await (const { digest, size } of store.putFiles(lending(tree, pending, lent))) {
        const before = (lent[settled] as Lent).file;
        const now = await settle();
        heartbeat();
        if (now.stamp !== before.stamp) {
          changed(now.path);
          again.push(now);
          continue;
        }
        stored.set(now.path, { ...now, size, digest });
        done.files++;
        done.bytes += size;
        onProgress?.(done);
      }
      pending = again;
    } catch (error) {
      const struck = struckOf(error, lent.slice(settled));
      if (struck === undefined) throw error;
      if (codeOf(error) !== 'ECHANGED') throw dataInvalid(`${nameOf(tree, struck.file.path)} cannot be read: ${reasonOf(error)}`, error);
      changed(struck.file.path);
      // All that was not told as stored is read once more, as it is now.
      const rest = await Promise.all(lent.slice(settled).map(async () => await settle()));
      pending = [...again, ...rest, ...pending.slice(settled)];
    } finally {
      while (settled < lent.length) await (lent[settled++] as Lent).settle();
    }
  }
  return stored;
}

/** Paths for the store, a few fetched ahead. */
async function* lending(tree: SourceTree, files: readonly SourceFile[], lent: Lent[]): AsyncGenerator<string> {
  const ahead: Promise<Lent>[] = [];
  let next = 0;
  try {
    while (next < files.length || ahead.length > 0) {
      while (next < files.length && ahead.length < (tree.root === null ? 8 : 1)) ahead.push(tree.lend(files[next++] as SourceFile));
      const one = await (ahead.shift() as Promise<Lent>);
      lent.push(one);
      yield one.path;
    }
  } finally {
    for (const one of await Promise.allSettled(ahead)) if (one.status === 'fulfilled') await one.value.settle();
  }
}

const nameOf = ({ root, name }: SourceTree, path: string): string =>
  root !== null ? `${root}/${path}` : name === path ? name : `${name}/${path}`;

/** Which of the files being read an error of the file system is about, whatever the store wrapped round it; not of the store's own. */
function struckOf(error: unknown, reading: readonly Lent[]): Lent | undefined {
  if (codeOf(error) === undefined) return undefined;
  const paths = pathsOf(error);
  return reading.find(({ path }) => paths.includes(path)) ?? reading.find(({ path }) => !isReadable(path));
}

function codeOf(error: unknown): string | undefined {
  const { code, cause } = error as NodeJS.ErrnoException & { cause?: unknown };
  if (code !== undefined && ['ENOENT', 'EACCES', 'EPERM', 'EIO', 'EISDIR', 'ECHANGED', 'ELOOP', 'ENXIO'].includes(code)) return code;
  return cause === undefined ? undefined : codeOf(cause);
}

const reasonOf = (error: unknown): string => {
  const { code, message, cause } = error as NodeJS.ErrnoException & { cause?: unknown };
  return code === undefined && cause !== undefined ? reasonOf(cause) : message;
};

function pathsOf(error: unknown): string[] {
  const { path, cause } = error as NodeJS.ErrnoException & { cause?: unknown };
  return [...(path === undefined ? [] : [path]), ...(cause === undefined ? [] : pathsOf(cause))];
}

/** Errors of reading do not tell the path. */
function isReadable(path: string): boolean {
  try {
    const file = openSync(path, 'r');
    try {
      readSync(file, Buffer.alloc(1));
      return true;
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}
