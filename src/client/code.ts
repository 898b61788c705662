import { lstat, readdir } from 'node:fs/promises';
import { extname, isAbsolute, join, normalize } from 'node:path';
import { AssayError, type Manifest, mediaTypes, type Ref, type ResolvedSpec } from '../contract';

/** Of a store, what it takes to put files there. */
interface CodeStore {
  putFile(path: string, mediaType: string): Promise<Ref>;
  putJson(value: unknown): Promise<Ref>;
}

interface CodeFile {
  path: string;
  /** Bytes. */
  size: number;
  executable: boolean;
}

/** The largest code a container is given, bytes. */
const largest = 64 * 2 ** 20;
/** Made by tools, and never part of a program. */
const left = new Set(['.git', '.assay', 'node_modules', '__pycache__']);

/** What a process may find beside the files that its command names: more of it, or larger, is taken for data. */
const besideMost = { files: 1000, bytes: 16 * 2 ** 20, entries: 10_000 };

/**
 * Stores the trainer's code as one folder, before the experiment starts: `training.code`, or else the files of the experiment's folder that
 * its commands name. The same files give the same reference. Null where there are none.
 * A process runs in the folder itself; its code is stored for a later replay, with the files of the same kinds beside it, and whatever
 * cannot be stored is left out.
 */
export async function snapshotCode(store: CodeStore, spec: ResolvedSpec): Promise<Ref | null> {
  if (spec.runtime.executor !== 'docker') return processCode(store, spec);
  const found = new Map<string, CodeFile>();
  for (const entry of spec.training.code ?? (await namedByCommands(spec))) {
    const files = await filesBelow(spec.root, inside(spec, entry));
    if (files.length === 0) throw invalid(`${entry} holds no file`, 'name what the trainer needs');
    for (const file of files) found.set(file.path, file);
  }
  const files = [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (bytes > largest) {
    const most = [...files].sort((a, b) => b.size - a.size)[0];
    throw invalid(
      `the trainer's code comes to ${mebibytes(bytes)}, over the ${mebibytes(largest)} that a container is given (largest: ${most?.path}, ${mebibytes(most?.size ?? 0)})`,
      'name only the files that the trainer needs; data belong to data.source, trained models to variants[].model',
    );
  }
  return files.length === 0 ? null : await put(store, spec.root, files);
}

async function put(store: CodeStore, root: string, files: readonly CodeFile[]): Promise<Ref> {
  const manifest: Manifest['files'] = [];
  for (const { path, executable } of files) {
    const { digest, size } = await store.putFile(join(root, path), mediaTypes.bytes);
    manifest.push({ path, size, digest, ...(executable ? { mode: '755' } : {}) });
  }
  return { ...(await store.putJson({ files: manifest })), mediaType: mediaTypes.manifest };
}

async function processCode(store: CodeStore, spec: ResolvedSpec): Promise<Ref | null> {
  const kinds = new Set<string>();
  const found = new Map<string, CodeFile>();
  for (const entry of await namedByCommands(spec).catch(() => [])) {
    const file = await described(spec.root, inside(spec, entry)).catch(() => null);
    if (file === null || file.size > besideMost.bytes) continue;
    found.set(file.path, file);
    if (extname(file.path) !== '') kinds.add(extname(file.path));
  }
  // `python -m package` names none.
  if (/^(?:.*\/)?python[\d.]*$/.test(spec.training.command[0] ?? '')) kinds.add('.py');
  for (const file of await beside(spec.root, kinds)) found.set(file.path, file);
  const files = [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return files.length === 0 ? null : put(store, spec.root, files);
}

/** Files of these kinds below the folder; none where it holds so many or so much that it must be more than a trainer. */
async function beside(root: string, kinds: ReadonlySet<string>): Promise<CodeFile[]> {
  const found: CodeFile[] = [];
  const folders = kinds.size === 0 ? [] : [''];
  let [entries, bytes] = [0, 0];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const names = await readdir(join(root, folder)).catch(() => []);
    entries += names.length;
    if (entries > besideMost.entries) return [];
    for (const name of names) {
      if (left.has(name) || name.startsWith('.')) continue;
      const file = await described(root, folder === '' ? name : `${folder}/${name}`).catch(() => null);
      if (file?.folder) folders.push(file.path);
      if (file === null || file.folder || !kinds.has(extname(name))) continue;
      bytes += file.size;
      found.push(file);
      if (found.length > besideMost.files || bytes > besideMost.bytes) return [];
    }
  }
  return found;
}

/** Arguments that are files of the experiment's folder, e.g. `train.py` of `[python, train.py]`. */
async function namedByCommands({ root, training, evaluation }: ResolvedSpec): Promise<string[]> {
  const named: string[] = [];
  for (const argument of new Set([...training.command, ...(evaluation.command ?? [])])) {
    if (isAbsolute(argument) || argument.split('/').includes('..')) continue;
    const found = await lstat(join(root, argument)).catch(() => null);
    if (found !== null && !found.isDirectory()) named.push(argument);
  }
  return named;
}

/** The entry as a path below the folder, with no way out of it. */
function inside({ root }: ResolvedSpec, entry: string): string {
  const path = normalize(entry).replace(/\/$/, '');
  if (isAbsolute(path) || path.split('/').includes('..'))
    throw invalid(`${entry} lies outside ${root}`, 'copy it into the folder of the experiment file');
  return path === '.' ? '' : path;
}

async function filesBelow(root: string, entry: string): Promise<CodeFile[]> {
  // A link above the entry leads out of the folder as well as the entry itself.
  const parts = entry === '' ? [] : entry.split('/');
  for (let length = 1; length < parts.length; length++) await described(root, parts.slice(0, length).join('/'));
  const found: CodeFile[] = [];
  const walk = async (path: string): Promise<void> => {
    const { folder, ...file } = await described(root, path);
    if (!folder) found.push(file);
    else {
      for (const name of await readdir(join(root, path))) if (!left.has(name)) await walk(path === '' ? name : `${path}/${name}`);
    }
  };
  if (!parts.some((part) => left.has(part))) await walk(entry);
  return found;
}

async function described(root: string, path: string): Promise<CodeFile & { folder: boolean }> {
  const at = join(root, path);
  const found = await (path === '' ? lstat(`${root}/.`) : lstat(at)).catch((cause: NodeJS.ErrnoException) => {
    throw invalid(`${at} cannot be read (${cause.code})`, 'correct the path');
  });
  if (found.isSymbolicLink())
    throw invalid(`${at} is a symbolic link, which leads nowhere in a container`, 'put the file itself there, or leave it out');
  if (!found.isFile() && !found.isDirectory()) throw invalid(`${at} is neither a file nor a folder`, 'leave it out');
  return { path, size: found.size, executable: (found.mode & 0o100) !== 0, folder: found.isDirectory() };
}

const invalid = (problem: string, mend: string): AssayError => new AssayError('SpecInvalid', `training.code: ${problem}; ${mend}`);

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
