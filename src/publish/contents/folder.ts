import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { createHash } from 'node:crypto';
import { AssayError, type Result } from '../../contract';
import { canonicalJson } from '../../store';
import { groupOf, Tally, type VerifyReport } from './report';

/** `manifest.json` of an exported folder, written last. */
export interface ExportManifest {
  schema: 'assay.export/1';
  /** Version that wrote it. */
  assay: string;
  experiment: string;
  /** Digest of the result as the store has it: of the canonical JSON of `result.json`. */
  result: string;
  /** Parts that were exported. */
  parts: string[];
  /** All files but this one, in order of `path`. What has the name of an object that the result lists is that object. */
  files: { path: string; size: number; digest: string }[];
}

/** Folders that were exported by earlier versions have no schema and no digest of the result. */
type AnyManifest = Pick<ExportManifest, 'experiment' | 'files'> & Partial<ExportManifest>;

export interface FolderOptions {
  expect: string | null;
  onProgress?: (done: { files: number; bytes: number }) => void;
}

/** Hashes every file of an exported folder, and holds it against its manifest and against what the result lists. */
export async function verifyFolder(dir: string, { expect, onProgress }: FolderOptions): Promise<VerifyReport> {
  const manifest = await readManifest(dir);
  const tally = new Tally();
  const done = { files: 0, bytes: 0 };
  const found = new Map<string, string>();
  for (const { path, size, digest } of manifest.files) {
    tally.count(groupOf(path), size);
    const there = await hashed(dir, path);
    if (there === null) tally.problem({ state: 'missing', name: path, digest, detail: `${join(dir, path)} is not there`, mended: null });
    else if (there.digest !== digest) {
      const detail = `${join(dir, path)} has ${there.size} bytes with digest ${there.digest}`;
      tally.problem({ state: 'damaged', name: path, digest, detail, mended: null });
    } else found.set(path, digest);
    done.files++;
    done.bytes += size;
    onProgress?.(done);
  }
  const listed = new Set(['manifest.json', ...manifest.files.map(({ path }) => path)]);
  for (const path of await filesBelow(dir))
    if (!listed.has(path))
      tally.problem({ state: 'unlisted', name: path, digest: null, detail: `${join(dir, path)} is no part of the export`, mended: null });

  const result = found.has('result.json') ? (JSON.parse(await readFile(join(dir, 'result.json'), 'utf8')) as Result) : null;
  const signature = result === null ? null : `sha256:${createHash('sha256').update(canonicalJson(result)).digest('hex')}`;
  if (signature !== null && manifest.result !== undefined && manifest.result !== signature)
    tally.disagrees('result.json', signature, `manifest.json names the result ${manifest.result}`);
  if (expect !== null && expect !== signature) tally.disagrees('result.json', signature, `expected the digest ${expect}`);
  for (const { name, digest } of result?.contents ?? []) {
    const there = found.get(name);
    if (there !== undefined && there !== digest) tally.disagrees(name, there, `the result lists it with ${digest}`);
  }
  if (result !== null && result.experiment !== manifest.experiment)
    tally.disagrees('result.json', signature, `it is of ${result.experiment}, and manifest.json of ${manifest.experiment}`);
  if (result !== null && result.contents === undefined)
    tally.notes.push('this result does not list what it was made from: its files were held against manifest.json alone');
  const { experiment } = manifest;
  return tally.report({ what: 'export', experiment, place: dir, signature, expected: expect, listed: result?.contents !== undefined });
}

async function readManifest(dir: string): Promise<AnyManifest> {
  const path = join(dir, 'manifest.json');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new AssayError('DataInvalid', `${path} is not there: ${dir} is no exported folder, or one that lost its list. Export it again.`);
  });
  try {
    const value = JSON.parse(text) as AnyManifest;
    if (typeof value.experiment === 'string' && Array.isArray(value.files) && value.files.every(isEntry)) return value;
  } catch {
    // Told below.
  }
  throw new AssayError('ObjectCorrupt', `${path} is damaged: expected the list of an export. Export the experiment again.`);
}

/** Within the folder, whatever was written into the list. */
const isEntry = ({ path, digest, size }: ExportManifest['files'][number]): boolean =>
  typeof path === 'string' &&
  !isAbsolute(path) &&
  !path.split('/').some((part) => part === '' || part === '.' || part === '..') &&
  /^sha256:[0-9a-f]{64}$/.test(digest) &&
  typeof size === 'number';

/** Null where it is no regular file. */
async function hashed(dir: string, path: string): Promise<{ digest: string; size: number } | null> {
  const there = await lstat(join(dir, path)).catch(() => null);
  if (there === null || !there.isFile()) return null;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(join(dir, path), { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return { digest: `sha256:${hash.digest('hex')}`, size: there.size };
}

async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort();
}
