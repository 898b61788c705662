import { basename, extname } from 'node:path';
import type { Snapshot } from '../../contract';
import { dataInvalid } from '../problem';
import type { SourceFile } from './tree';

type Format = Snapshot['format'];

const formats: Record<string, Format> = {
  '.csv': 'csv',
  '.parquet': 'parquet',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.npz': 'npz',
  '.npy': 'npz',
};

export const formatOf = (path: string): Format | undefined => formats[extname(path).toLowerCase()];

/** The format of a single file; null where none is needed. */
export function fileFormat(path: string, size: number, anyFormat: boolean): Format | null {
  const name = basename(path);
  const format = formatOf(path);
  if (format === undefined && !anyFormat)
    throw dataInvalid(
      `data.source ${path}: cannot tell the format of "${extname(path) || name}"; expected .csv, .parquet, .jsonl, .npz or a folder of images.`,
    );
  if (path.endsWith('.npy') && !anyFormat)
    throw dataInvalid(`data.source ${path} is one array. Put an array for each column beside it and name the folder, or write one .npz.`);
  if (size === 0) throw dataInvalid(`${name} is empty (0 bytes). Put the data there, or correct data.source.`);
  return format ?? null;
}

/** The files of a folder that count, and what they are together: arrays side by side, or a class a folder. */
export function folderFormat(path: string, all: SourceFile[], anyFormat: boolean): { format: Format | null; files: SourceFile[] } {
  if (all.length === 0) throw dataInvalid(`data.source ${path} is an empty folder; expected one folder a class, with files in it.`);
  const arrays = all.filter((file) => file.path.endsWith('.npy') && !file.path.includes('/'));
  if (arrays.length > 0 && (!anyFormat || arrays.length === all.length)) return { format: 'npz', files: arrays };
  const loose = all.some((file) => !file.path.includes('/') && !file.path.startsWith('.'));
  return { format: anyFormat && loose ? null : 'folder', files: all };
}
