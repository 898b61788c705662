import { statSync } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { dataInvalid } from '../problem';
import { fileFormat, folderFormat, formatOf } from './formats';
import type { Lent, SourceFile, SourceOptions, SourceTree } from './tree';
import { fileOf, kindOf, walk } from './walk';

/** A file or folder of this host. */
export async function openLocal(source: string, root: string, { heartbeat, anyFormat = false }: SourceOptions): Promise<SourceTree> {
  const path = resolve(root, source);
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ELOOP') throw dataInvalid(`data.source ${path} is a loop of links. Name the data itself.`, error);
    if (error.code === 'EACCES')
      throw dataInvalid(`data.source ${path} lies in a folder that this user may not enter. Give this user the right to.`, error);
    if (error.code === 'ENAMETOOLONG')
      throw dataInvalid(`data.source ${path.slice(0, 100)}… is too long for a path (${path.length} characters). Correct it.`, error);
    return null;
  });
  if (found === null) throw dataInvalid(`data.source ${path} does not exist. ${await neighbours(path)}`);
  if (!found.isFile() && !found.isDirectory())
    throw dataInvalid(`data.source ${path} is ${kindOf(found)}; expected a file or a folder. Copy the data to a file.`);
  const opened = await open(path).catch((error: unknown) => {
    throw dataInvalid(`data.source ${path} cannot be read. Give this user the right to read it.`, error);
  });
  await opened.close();
  const common = { name: basename(path), source, place: path, origin: () => Promise.resolve({ kind: 'local' as const }) };
  if (found.isDirectory())
    return { ...common, ...folderFormat(path, await walk(path, heartbeat), anyFormat), root: path, lend: lender(path) };
  return {
    ...common,
    format: fileFormat(path, found.size, anyFormat),
    files: [fileOf(basename(path), found)],
    root: dirname(path),
    lend: lender(dirname(path)),
  };
}

/** Lends files where they lie, and looks again afterwards whether they are what they were. */
export const lender =
  (root: string) =>
  (file: SourceFile): Promise<Lent> => {
    const path = join(root, file.path);
    return Promise.resolve({ path, file, settle: () => Promise.resolve(lookAgain(path, file.path)) });
  };

function lookAgain(path: string, name: string): SourceFile | null {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true ? fileOf(name, found) : null;
}

async function neighbours(path: string): Promise<string> {
  const names = await readdir(dirname(path)).catch(() => null);
  if (names === null) return `Nor does its folder ${dirname(path)}.`;
  const alike = names.filter((name) => formatOf(name) !== undefined).slice(0, 5);
  return alike.length > 0 ? `Its folder has ${alike.join(', ')}.` : 'Correct data.source; it is relative to the experiment file.';
}
