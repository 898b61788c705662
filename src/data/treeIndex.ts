import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ref } from '../contract';
import type { SourceFile, SourceTree } from './sources/tree';

/** What is known of a source since it was last stored: a file whose stamp is the same has the same bytes. */
export interface TreeIndex {
  /** The manifest that these files made. */
  manifest: Ref;
  paths: string[];
  stamps: string[];
  /** One after the other, 64 digits each. */
  digests: string;
}

/** Milliseconds: a file touched so shortly before it was indexed may change again within one tick of its clock. */
const racy = 2_000;

/** The index of a source and a store below `dir`; null where there is none, or it is damaged. */
export async function readIndex(dir: string, tree: SourceTree, storeUrl: string): Promise<TreeIndex | null> {
  const text = await readFile(pathOf(dir, tree, storeUrl), 'latin1').catch(() => null);
  if (text === null) return null;
  const end = text.indexOf('\n');
  const body = text.slice(end + 1);
  try {
    const { manifest, files, sum } = JSON.parse(text.slice(0, end)) as { manifest: Ref; files: number; sum: string };
    if (sum !== sumOf(manifest, body)) return null;
    // Three lists one after the other, so that reading them is three splits; paths are UTF-8.
    const [paths = '', stamps = '', digests = ''] = body.split('\n');
    const found = { manifest, paths: decode(paths).split('\0'), stamps: stamps.split('\0'), digests };
    return [found.paths.length, found.stamps.length, digests.length / 64].every((length) => length === files) ? found : null;
  } catch {
    return null;
  }
}

/** Appears whole, by renaming. `began`: milliseconds since 1970, before the first of these files was looked at. */
export async function writeIndex(
  dir: string,
  tree: SourceTree,
  storeUrl: string,
  { manifest, files, began }: { manifest: Ref; files: readonly (SourceFile & { digest: string })[]; began: number },
): Promise<void> {
  // A newline may stand in a path, and ends a list here.
  if (files.some(({ path }) => path.includes('\n'))) return;
  const paths = Buffer.from(files.map(({ path }) => path).join('\0')).toString('latin1');
  const stamps = files.map(({ stamp, touched }) => (touched < began - racy ? stamp : '')).join('\0');
  const digests = files.map(({ digest }) => digest.slice('sha256:'.length)).join('');
  const body = `${paths}\n${stamps}\n${digests}`;
  const building = join(dir, `.${randomUUID()}.new`);
  try {
    await mkdir(dir, { recursive: true });
    await writeFile(building, `${JSON.stringify({ manifest, files: files.length, sum: sumOf(manifest, body) })}\n${body}`, 'latin1');
    await rename(building, pathOf(dir, tree, storeUrl));
  } finally {
    await rm(building, { force: true });
  }
}

const pathOf = (dir: string, { place }: SourceTree, storeUrl: string): string =>
  join(dir, createHash('sha256').update(`${place}\0${storeUrl}`).digest('hex').slice(0, 32));

const sumOf = ({ digest, size, mediaType }: Ref, body: string): string =>
  createHash('sha256').update(`${digest} ${size} ${mediaType}\n`).update(body, 'latin1').digest('hex');

const decode = (text: string): string => (/[\x80-\xff]/.test(text) ? Buffer.from(text, 'latin1').toString('utf8') : text);
