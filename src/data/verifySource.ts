import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssayError, type Manifest, type ResolvedSpec, type Snapshot } from '../contract';
import { hashFile, type Store } from '../store';
import { openSource } from './source';

/** Hashes the source again: null where it is what the snapshot holds, else a sentence that names the files. */
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
  const { files: before } = await store.getJson<Manifest>(snapshot.data);
  await mkdir(workDir, { recursive: true });
  const folder = await mkdtemp(join(workDir, 'verify-'));
  try {
    const source = await openSource(spec, folder, python);
    const known = new Map(before.map((file) => [file.path, file.digest]));
    const findings = { added: source.files.filter((path) => !known.has(path)), removed: [] as string[], changed: [] as string[] };
    const now = new Set(source.files);
    for (const { path, digest } of before) {
      const found = now.has(path) ? await hashFile(join(source.root, path)).catch(() => null) : null;
      if (found === null) findings.removed.push(path);
      else if (found.digest !== digest) findings.changed.push(path);
      heartbeat();
    }
    const parts = Object.entries(findings).flatMap(([what, paths]) => (paths.length > 0 ? [`${what}: ${listed(paths)}`] : []));
    return { changed: parts.length > 0 ? parts.join('; ') : null };
  } catch (error) {
    if (error instanceof AssayError && error.type === 'DataInvalid') return { changed: error.message };
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const listed = (paths: string[]): string => `${paths.slice(0, 5).join(', ')}${paths.length > 5 ? ` and ${paths.length - 5} more` : ''}`;
