import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '../../contract';
import type { Store } from '../../store';
import { dataInvalid } from '../problem';
import { findSnapshot } from '../findSnapshot';
import { fileFormat, folderFormat } from './formats';
import type { SourceFile, SourceOptions, SourceTree } from './tree';

/** A snapshot that the store has: nothing is read again, its manifest is the answer. */
export async function openSnapshot(source: string, store: Store, { folder, anyFormat = false }: SourceOptions): Promise<SourceTree> {
  const { digest, record } = await findSnapshot(store, source);
  const manifest = await store.getJson<Manifest>(record.manifest);
  const digests = new Map(manifest.files.map((file) => [file.path, file.digest]));
  const files: SourceFile[] = manifest.files.map(({ path, size, mode, digest }) => ({
    path,
    size,
    ...(mode === undefined ? {} : { mode }),
    stamp: digest,
    touched: 0,
  }));
  const [only] = files;
  // A snapshot of one file keeps that file's own name; the format was told from it.
  const single = files.length === 1 && only !== undefined && !only.path.includes('/') && !only.path.endsWith('.npy');
  const format = single ? fileFormat(only.path, only.size, anyFormat) : folderFormat(source, files, anyFormat).format;
  return {
    name: single ? only.path : source,
    source,
    format,
    files,
    root: null,
    place: source,
    stored: record.manifest,
    origin: () => Promise.resolve({ kind: 'snapshot', digest }),
    lend: async (file) => {
      const wanted = digests.get(file.path);
      if (wanted === undefined) throw dataInvalid(`${source} has no file ${file.path}.`);
      const path = join(folder, randomUUID());
      await store.fetchTo({ digest: wanted }, path);
      return {
        path,
        file,
        settle: async () => {
          await rm(path, { force: true });
          return file;
        },
      };
    },
  };
}
