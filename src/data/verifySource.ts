import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssayError, type Manifest, type ResolvedSpec, type Snapshot } from '../contract';
import { hashFile, type Store } from '../store';
import { openSource, type SourceTree } from './source';

/** Looks at the source again: null where it is what the snapshot holds, else a sentence that names the files. */
export async function verifySource({
  spec,
  snapshot,
  store,
  workDir = tmpdir(),
  python,
  heartbeat = () => undefined,
}: {
  spec: ResolvedSpec;
  snapshot: Snapshot;
  store: Store;
  workDir?: string | undefined;
  python?: string | undefined;
  heartbeat?: (() => void) | undefined;
}): Promise<{ changed: string | null }> {
  // What a digest names cannot change; its name may move on meanwhile.
  if (snapshot.origin.kind === 'snapshot') return { changed: null };
  await mkdir(workDir, { recursive: true });
  const folder = await mkdtemp(join(workDir, 'verify-'));
  try {
    const tree = await openSource({ source: spec.data.source, root: spec.root }, { folder, python, store, heartbeat });
    const findings =
      tree.root === null ? await compareVersions(tree, snapshot, store) : await compareDigests(tree, tree.root, snapshot, store, heartbeat);
    const parts = Object.entries(findings).flatMap(([what, paths]) => (paths.length > 0 ? [`${what}: ${listed(paths)}`] : []));
    return { changed: parts.length > 0 ? parts.join('; ') : null };
  } catch (error) {
    if (error instanceof AssayError && error.type === 'DataInvalid') return { changed: error.message };
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Findings {
  added: string[];
  removed: string[];
  changed: string[];
}

/** The proof at the end of a run: every byte is hashed again, whatever an index says. */
async function compareDigests(tree: SourceTree, root: string, { data }: Snapshot, store: Store, heartbeat: () => void): Promise<Findings> {
  const { files: before } = await store.getJson<Manifest>(data);
  const known = new Map(before.map((file) => [file.path, file.digest]));
  const now = new Set(tree.files.map(({ path }) => path));
  const findings: Findings = { added: [...now].filter((path) => !known.has(path)), removed: [], changed: [] };
  for (const { path, digest } of before) {
    const found = now.has(path) ? await hashFile(join(root, path)).catch(() => null) : null;
    if (found === null) findings.removed.push(path);
    else if (found.digest !== digest) findings.changed.push(path);
    heartbeat();
  }
  return findings;
}

/** Sources that version their files themselves: an S3 version or ETag, an md5 of DVC. */
async function compareVersions(tree: SourceTree, { origin }: Snapshot, store: Store): Promise<Findings> {
  const now = await tree.origin();
  if (origin.kind === 'dvc')
    return { added: [], removed: [], changed: now.kind === 'dvc' && now.md5 === origin.md5 ? [] : [`${origin.path} (md5 ${origin.md5})`] };
  if (origin.kind !== 's3' || now.kind !== 's3') return { added: [], removed: [], changed: [tree.source] };
  const before = await store.getJson<Record<string, string>>(origin.versions);
  const versions = new Map(tree.files.map(({ path, stamp }) => [path, stamp]));
  return {
    added: [...versions.keys()].filter((path) => before[path] === undefined),
    removed: Object.keys(before).filter((path) => !versions.has(path)),
    changed: Object.entries(before).flatMap(([path, version]) => (versions.has(path) && versions.get(path) !== version ? [path] : [])),
  };
}

const listed = (paths: string[]): string => `${paths.slice(0, 5).join(', ')}${paths.length > 5 ? ` and ${paths.length - 5} more` : ''}`;
