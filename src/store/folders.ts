import { randomUUID } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { type Dirent, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { AssayError, Manifest, mediaTypes, type Ref } from '../contract';
import { type FilePort, fetchFiles } from './fetchFiles';
import type { FolderOptions, Store } from './store';

/** `follow`: a link to a regular file counts as that file. Not for folders that others fill: their links may lead to any file of this host. */
export type Links = 'refuse' | 'follow';

/** Files below `dir` as `/`-separated paths in code unit order; whatever else lies there is refused by name. */
export async function listFiles(dir: string, links: Links = 'refuse'): Promise<string[]> {
  const found: string[] = [];
  const walk = async (below: string): Promise<void> => {
    for (const entry of await entriesOf(dir, below)) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isFile()) found.push(path);
      else if (entry.isDirectory()) await walk(path);
      else {
        await refuse(entry, join(dir, path), links);
        found.push(path);
      }
    }
  };
  await walk('');
  return found.sort();
}

export async function putFolder(store: Pick<Store, 'putFiles' | 'putJson'>, dir: string, options: FolderOptions = {}): Promise<Ref> {
  const paths = await listFiles(dir);
  const files: Manifest['files'] = [];
  for await (const { digest, size } of store.putFiles(
    paths.map((path) => join(dir, path)),
    options,
  )) {
    const path = paths[files.length] as string;
    files.push({ path, size, digest, ...(ownerMayExecute(join(dir, path)) && { mode: '755' }) });
  }
  return { ...(await store.putJson({ files } satisfies Manifest)), mediaType: mediaTypes.manifest };
}

export async function fetchFolder(port: FilePort, ref: Pick<Ref, 'digest'>, dir: string, options: FolderOptions = {}): Promise<void> {
  const { files } = Manifest.parse(JSON.parse((await port.get(ref)).toString('utf8')));
  for (const { path } of files)
    if (isAbsolute(path) || path.split('/').some((part) => part === '..' || part === '.' || part === ''))
      throw new AssayError(
        'ObjectCorrupt',
        `The manifest ${ref.digest} names "${path}", which lies outside its folder. Restore it from a backup.`,
      );
  const building = `${dir}.${randomUUID()}.new`;
  try {
    await mkdir(building, { recursive: true });
    await fetchFiles(port, options.only === undefined ? files : files.filter(({ path }) => options.only?.has(path)), building, options);
    await replace(building, dir);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

async function entriesOf(dir: string, below: string): Promise<Dirent[]> {
  const folder = join(dir, below);
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENAMETOOLONG') throw error;
    throw new AssayError('DataInvalid', `${folder}: the path is longer than the system allows. Move the folder up, or shorten its names.`);
  });
  const foreign = entries.map(({ name }) => name).filter((name) => /[^\0-\x7f]/.test(name));
  if (foreign.length > 0) await refuseNames(folder, foreign);
  return entries;
}

/** A name that is no UTF-8 could not be restored, and of two that look alike other systems keep one. */
async function refuseNames(folder: string, names: readonly string[]): Promise<void> {
  // What Node puts in the place of bytes it cannot read.
  if (names.some((name) => name.includes('\ufffd')))
    for (const name of await readdir(folder, { encoding: 'buffer' }))
      if (!isUtf8(name))
        throw new AssayError(
          'DataInvalid',
          `${folder} has a name that is no UTF-8: "${name.toString('latin1')}" (read as Latin-1). Rename it.`,
        );
  const known = new Map<string, string>();
  for (const name of names) {
    const other = known.get(name.normalize('NFC'));
    if (other !== undefined)
      throw new AssayError(
        'DataInvalid',
        `${folder} has two names that differ only in how Unicode writes them: ${escaped(other)} and ${escaped(name)}. Rename one.`,
      );
    known.set(name.normalize('NFC'), name);
  }
}

async function refuse(entry: Dirent, path: string, links: Links): Promise<void> {
  const kind = kindOf(entry);
  if (kind !== 'a link' || links === 'refuse')
    throw new AssayError('DataInvalid', `${path} is neither a file nor a folder (it is ${kind}): put the file itself there, or remove it.`);
  try {
    const target = await stat(path);
    if (target.isFile()) return;
    const what = target.isDirectory() ? 'a folder' : kindOf(target);
    throw new AssayError(
      'DataInvalid',
      `${path} is a link to ${what}; only links to files are followed. Put the files themselves there, or remove it.`,
    );
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new AssayError('DataInvalid', `${path} is a link to a file that does not exist. Put the file there, or remove the link.`, {
        cause: error,
      });
    if (code === 'ELOOP') throw new AssayError('DataInvalid', `${path} is a link in a loop of links. Remove it.`, { cause: error });
    throw error;
  }
}

function kindOf(entry: Pick<Dirent, 'isSymbolicLink' | 'isFIFO' | 'isSocket'>): string {
  if (entry.isSymbolicLink()) return 'a link';
  if (entry.isFIFO()) return 'a pipe';
  return entry.isSocket() ? 'a socket' : 'a device';
}

const escaped = (name: string): string =>
  `"${name.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`;

/** In place, since it is asked for every file of a folder: a third of what the thread pool would cost. */
const ownerMayExecute = (path: string): boolean => ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o100) !== 0;

/** Of several that do so at once the last one stays. */
async function replace(building: string, dir: string): Promise<void> {
  await mkdir(dirname(dir), { recursive: true });
  for (;;) {
    const aside = `${dir}.${randomUUID()}.old`;
    const moved = await rename(dir, aside).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        return false;
      },
    );
    try {
      await rename(building, dir);
    } catch (error) {
      const isTaken = ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
      // What was there comes back where nothing came in its place.
      if (moved && !isTaken) await rename(aside, dir).catch(() => undefined);
      else if (moved) await rm(aside, { recursive: true, force: true });
      if (!isTaken) throw error;
      continue;
    }
    if (moved) await rm(aside, { recursive: true, force: true });
    return;
  }
}
