import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What a host keeps of itself, below its ASSAY_HOME. */
export const hostFiles = (home: string) => ({
  /** Leases whose work runs here. */
  book: join(home, 'leases', 'book.json'),
  /** What the last report renewed, for the guard. */
  guard: join(home, 'leases', 'guard.json'),
  /** Held by the guard as long as it lives. */
  guardLock: join(home, 'leases', 'guard.lock'),
  guardLog: join(home, 'guard.log'),
  instance: join(home, 'instance'),
});

/** Random name of this home, made once: two homes on one engine never touch each other's containers. */
export function homeInstance(home: string): string {
  const known = knownInstance(home);
  if (known !== null) return known;
  const file = hostFiles(home).instance;
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  mkdirSync(home, { recursive: true });
  writeNew(draft, `${randomBytes(6).toString('hex')}\n`);
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  return readFileSync(file, 'utf8').trim();
}

/** Null where the home has no name yet, and so no containers. */
export const knownInstance = (home: string): string | null => readText(hostFiles(home).instance)?.trim() ?? null;

/** Whole and on disk before it has its name. */
export function writeWhole(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  writeNew(draft, text);
  renameSync(draft, path);
}

/** In place where nothing new can be made, as on a full disk: a shorter text is filled up with spaces, a longer one may not fit. */
export function overwrite(path: string, text: string): void {
  const file = openSync(path, 'r+');
  try {
    writeSync(file, text.padEnd(statSync(path).size), 0);
  } finally {
    closeSync(file);
  }
}

/** Null where there is no such file. */
export function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function writeNew(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
