import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { access, constants, readdir, stat } from 'node:fs/promises';
import { basename, delimiter, dirname, extname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { AssayError, type Manifest, mediaTypes, type Ref, type ResolvedSpec, type Snapshot } from '../contract';
import { listFiles, type Store } from '../store';
import { dataInvalid } from './problem';

export interface Source {
  format: Snapshot['format'];
  /** Folder the paths of `files` start from. */
  root: string;
  files: string[];
  /** How messages name it. */
  name: string;
}

const formats: Record<string, Snapshot['format']> = {
  '.csv': 'csv',
  '.parquet': 'parquet',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.npz': 'npz',
};

export const formatOf = (path: string): Snapshot['format'] | undefined => formats[extname(path).toLowerCase()];

/** Finds the files of `data.source`; a built-in set is generated into `folder` first. */
export async function openSource(spec: ResolvedSpec, folder: string, python: string | undefined): Promise<Source> {
  const { source } = spec.data;
  if (source.startsWith('builtin:')) return await builtin(source, folder, python);
  if (/^[a-z0-9+.-]{2,}:/i.test(source))
    throw new AssayError(
      'Unsupported',
      `data.source "${source}": this version reads local files and folders. Copy the data to a folder and name that.`,
    );
  const path = resolve(spec.root, source);
  const found = await stat(path).catch(() => null);
  if (found === null) throw dataInvalid(`data.source ${path} does not exist. ${await neighbours(path)}`);
  await access(path, constants.R_OK).catch((error: unknown) => {
    throw dataInvalid(`data.source ${path} cannot be read. Give this user the right to read it.`, error);
  });
  if (found.isDirectory()) return await directory(path);
  const format = formatOf(path);
  if (format === undefined)
    throw dataInvalid(
      `data.source ${path}: cannot tell the format of "${extname(path) || basename(path)}"; expected .csv, .parquet, .jsonl, .npz or a folder of images.`,
    );
  if (found.size === 0) throw dataInvalid(`${basename(path)} is empty (0 bytes). Put the data there, or correct data.source.`);
  return { format, root: dirname(path), files: [basename(path)], name: basename(path) };
}

/** Copies the source into the store; what is analysed afterwards is that copy, so a later change cannot tear it. */
export async function storeSource(source: Source, store: Store, heartbeat: () => void): Promise<Ref> {
  for (let attempt = 1; ; attempt++) {
    const before = await signature(source);
    const files: Manifest['files'] = [];
    for (const path of source.files) {
      const { digest, size } = await store.putFile(join(source.root, path), mediaTypes.bytes).catch((error: unknown) => {
        if (['ENOENT', 'EACCES', 'EIO', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
          throw dataInvalid(`${join(source.root, path)} cannot be read: ${(error as Error).message}`, error);
        throw error;
      });
      files.push({ path, size, digest });
      heartbeat();
    }
    if ((await signature(source)) === before)
      return { ...(await store.putJson({ files } satisfies Manifest)), mediaType: mediaTypes.manifest };
    if (attempt === 2)
      throw dataInvalid(
        `${source.name} changed while it was read, twice. Wait until whatever writes it is done, or copy it and name the copy.`,
      );
  }
}

async function signature({ root, files }: Source): Promise<string> {
  const lines: string[] = [];
  for (const path of files) {
    const found = await stat(join(root, path), { bigint: true }).catch(() => null);
    lines.push(`${path} ${found?.size} ${found?.mtimeNs} ${found?.ino}`);
  }
  return lines.join('\n');
}

async function directory(path: string): Promise<Source> {
  const files = await listFiles(path);
  if (files.length === 0) throw dataInvalid(`data.source ${path} is an empty folder; expected one folder a class, with files in it.`);
  const arrays = files.filter((file) => file.endsWith('.npy') && !file.includes('/'));
  if (arrays.length > 0) return { format: 'npz', root: path, files: arrays, name: basename(path) };
  return { format: 'folder', root: path, files, name: basename(path) };
}

async function neighbours(path: string): Promise<string> {
  const names = await readdir(dirname(path)).catch(() => null);
  if (names === null) return `Nor does its folder ${dirname(path)}.`;
  const alike = names.filter((name) => formatOf(name) !== undefined).slice(0, 5);
  return alike.length > 0 ? `Its folder has ${alike.join(', ')}.` : 'Correct data.source; it is relative to the experiment file.';
}

async function builtin(source: string, folder: string, python: string | undefined): Promise<Source> {
  const set = source.slice('builtin:'.length);
  if (set !== 'digits') throw dataInvalid(`data.source "${source}" is no built-in set; there is builtin:digits.`);
  const path = join(folder, `${set}.csv`);
  const runtime = process.env['ASSAY_RUNTIME'] ?? runtimeFolder();
  const env = { ...process.env, PYTHONPATH: [runtime, process.env['PYTHONPATH']].filter(Boolean).join(delimiter) };
  try {
    await promisify(execFile)(python ?? 'python3', ['-m', 'assay_runtime.builtin', set, path], { env });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new AssayError(
      'ExecutorUnavailable',
      `${source} could not be made by ${python ?? 'python3'}: ${(stderr || message).trim().split('\n').at(-1)}. It needs Python with NumPy and scikit-learn.`,
      { cause: error },
    );
  }
  return { format: 'csv', root: folder, files: [basename(path)], name: source };
}

/** `runtime/` of this package, from the sources or from dist. */
function runtimeFolder(): string {
  for (let folder = __dirname; folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, 'runtime', 'assay_runtime'))) return join(folder, 'runtime');
  throw new AssayError('ExecutorUnavailable', 'The folder runtime/ of assay was not found. Set ASSAY_RUNTIME to it.');
}
