import { isUtf8 } from 'node:buffer';
import { lstatSync, readdirSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { dataInvalid } from '../problem';
import { byPath, isMachinery, type SourceFile } from './tree';

/** Entries between two looks at the clock, and milliseconds of synchronous calls before others get a turn: asynchronous ones cost five times the CPU. */
const stride = 64;
const turn = 10;

/** The regular files below `root`, with one stat each. A link to a file counts as that file; whatever else is no file is refused. */
export async function walk(root: string, heartbeat: () => void = () => undefined): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  const folders = [''];
  let began = performance.now();
  let looked = 0;
  for (let below = folders.pop(); below !== undefined; below = folders.pop()) {
    const folder = below === '' ? root : `${root}/${below}`;
    const names = readable(folder);
    refuseNames(folder, names);
    for (const name of names) {
      if (isMachinery(name)) continue;
      const path = below === '' ? name : `${below}/${name}`;
      const found = stated(`${root}/${path}`);
      if (found.isFile()) files.push(fileOf(path, found));
      else if (found.isDirectory()) folders.push(path);
      else files.push(fileOf(path, target(`${root}/${path}`, found)));
      if (++looked % stride === 0 && performance.now() - began > turn) {
        heartbeat();
        await setImmediate();
        began = performance.now();
      }
    }
  }
  return files.sort(byPath);
}

/** A double holds a quarter of a microsecond of these times; the clock of a file system ticks in milliseconds. */
export function fileOf(path: string, { dev, ino, size, mtimeMs, ctimeMs, mode }: Stats): SourceFile {
  const runs = (mode & 0o100) !== 0;
  return {
    path,
    size,
    ...(runs ? { mode: '755' as const } : {}),
    stamp: `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}${runs ? ' x' : ''}`,
    touched: Math.max(mtimeMs, ctimeMs),
  };
}

function readable(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw dataInvalid(`${folder} cannot be read: ${(error as Error).message}`, error);
  }
}

function stated(path: string): Stats {
  try {
    return lstatSync(path);
  } catch (error) {
    throw dataInvalid(`${path} cannot be read: ${(error as Error).message}`, error);
  }
}

/** What a link points to, where that is a file. */
function target(path: string, link: Stats): Stats {
  if (!link.isSymbolicLink()) throw dataInvalid(`${path} is ${kindOf(link)}; expected a file. Move it out of the data.`);
  let found: Stats;
  try {
    found = statSync(path);
  } catch (error) {
    throw dataInvalid(
      (error as NodeJS.ErrnoException).code === 'ELOOP'
        ? `${path} is a link in a loop of links. Put the file itself there, or remove it.`
        : `${path} is a link to ${readlinkSync(path)}, which cannot be reached. Put the file itself there, or remove it.`,
      error,
    );
  }
  if (found.isFile()) return found;
  throw dataInvalid(
    found.isDirectory()
      ? `${path} is a link to a folder (${readlinkSync(path)}). Put the folder itself there, or remove the link.`
      : `${path} is a link to ${kindOf(found)}; expected a file. Move it out of the data.`,
  );
}

export const kindOf = (found: Stats): string =>
  found.isFIFO()
    ? 'a named pipe'
    : found.isSocket()
      ? 'a socket'
      : found.isCharacterDevice() || found.isBlockDevice()
        ? 'a device'
        : 'no file';

/** Names have to mean the same on every host: UTF-8, and one spelling of each accented letter. */
function refuseNames(folder: string, names: readonly string[]): void {
  if (!/[\u0080-\uffff]/.test(names.join(''))) return;
  // What is not UTF-8 was read as U+FFFD, which may also stand in a name.
  if (names.some((name) => name.includes('\ufffd')))
    for (const name of readdirSync(folder, { encoding: 'buffer' }))
      if (!isUtf8(name))
        throw dataInvalid(
          `${folder} has a name that is not UTF-8: "${name.toString('latin1').replace(/[\x80-\xff]/g, (c) => `\\x${c.charCodeAt(0).toString(16)}`)}". Rename it.`,
        );
  refuseTwins(folder, names);
}

/** Names that differ only in how their accents are written would be one file on another host. */
export function refuseTwins(folder: string, names: readonly string[]): void {
  const accented = names.filter((name) => /[\u0080-\uffff]/.test(name));
  const seen = new Map<string, string>();
  for (const name of accented) {
    const twin = seen.get(name.normalize('NFC'));
    if (twin !== undefined && twin !== name)
      throw dataInvalid(
        `${folder} has two names that read "${name.normalize('NFC')}" and differ only in how the accents are written (Unicode NFC). Rename one.`,
      );
    seen.set(name.normalize('NFC'), name);
  }
}
