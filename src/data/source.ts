import { copyFile, mkdir, mkdtemp } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AssayError, type Snapshot } from '../contract';
import type { Store } from '../store';
import { refuseDisguised } from './disguise';
import { dataInvalid } from './problem';
import type * as Builtin from './sources/builtin';
import type * as Dvc from './sources/dvc';
import { openLocal } from './sources/local';
import type * as S3 from './sources/s3';
import type * as FromSnapshot from './sources/snapshot';
import type { SourceOptions, SourceTree } from './sources/tree';

export { formatOf } from './sources/formats';
export type { SourceFile, SourceOptions, SourceTree } from './sources/tree';

/** Finds the files of a data source without reading them. A relative path starts from `root`. */
export async function openSource(
  { source, root }: { source: string; root: string },
  options: SourceOptions & { store: Store },
): Promise<SourceTree> {
  if (source.trim() === '')
    throw dataInvalid('data.source is empty. Name a file, a folder, or one of s3://…, dvc:…, snapshot:… and builtin:digits.');
  if (source.startsWith('builtin:')) return await load.builtin().openBuiltin(source, options);
  if (source.startsWith('s3://')) return await load.s3().openS3(source, options.store, options);
  if (source.startsWith('dvc:')) return await load.dvc().openDvc(source, root, options);
  if (source.startsWith('snapshot:')) return await load.snapshot().openSnapshot(source, options.store, options);
  if (/^[a-z0-9+.-]{2,}:/i.test(source))
    throw new AssayError(
      'Unsupported',
      `data.source "${source.replace(/\/\/[^/]*@/, '//')}": assay reads local files and folders, s3://bucket/prefix, dvc:FILE.dvc, snapshot:NAME and builtin:digits. Copy the data to a folder and name that.`,
    );
  return await openLocal(source, root, options);
}

/** At need: an unchanged folder takes less time than these to load. */
const load = {
  builtin: () => require('./sources/builtin') as typeof Builtin,
  s3: () => require('./sources/s3') as typeof S3,
  dvc: () => require('./sources/dvc') as typeof Dvc,
  snapshot: () => require('./sources/snapshot') as typeof FromSnapshot,
};

/** Refuses a table that is not what its name says: before it is copied, or in the folder it was fetched to. */
export async function refuseDisguise({ files, format, name, ...tree }: SourceTree, root: string | null = tree.root): Promise<void> {
  const [only, second] = files;
  if (root !== null && only !== undefined && second === undefined && format !== null && format !== 'folder')
    await refuseDisguised(join(root, only.path), format, name);
}

/** A local path that holds the table of a source, as `loadTable` takes it; what lies elsewhere is fetched into `folder`. */
export async function tableOf(
  tree: SourceTree,
  folder: string,
): Promise<{ path: string; format: Exclude<Snapshot['format'], 'folder'>; name: string }> {
  const { format, name, files } = tree;
  if (format === null || format === 'folder')
    throw dataInvalid(`${name} is no table; expected .csv, .parquet, .jsonl, .npz or .npy files.`);
  await refuseDisguise(tree);
  const [only] = files;
  const single = files.length === 1 && only !== undefined && !only.path.endsWith('.npy');
  if (single && tree.root !== null) return { path: join(tree.root, only.path), format, name };
  const root = await mkdtemp(join(folder, 'table-'));
  for (const file of files) {
    const to = join(root, file.path);
    await mkdir(dirname(to), { recursive: true });
    const lent = await tree.lend(file);
    await copyFile(lent.path, to);
    await lent.settle();
  }
  return { path: single ? join(root, only.path) : root, format, name };
}
