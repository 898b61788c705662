import { mkdirSync, rmSync } from 'node:fs';
import { mkdir, readdir, rename, rm, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { AssayError } from '../../contract';
import { formatters } from '../../report';

/** Beyond what is copied: tables, reports, the file system's own. */
const spareBytes = 16 << 20;

/**
 * Builds a folder beside `dir`, which gets its name when `work` is done: a folder of that name is always whole. What an export of this host
 * that was killed has left there is removed first. `bytes` are those that will be written, as far as they are known.
 */
export async function buildFolder<T>(dir: string, bytes: number, work: (building: string, scratch: string) => Promise<T>): Promise<T> {
  const parent = dirname(dir);
  const mark = `.${basename(dir)}.part-${hostname()}-`;
  await refuseTaken(dir);
  await mkdir(parent, { recursive: true });
  await removeLeftovers(parent, mark);
  await refuseFull(parent, bytes);
  const place = join(parent, `${mark}${process.pid}`);
  // Threads of the table writer may still write there.
  const clear = (): void => rmSync(place, { recursive: true, force: true, maxRetries: 10 });
  const stop = (signal: NodeJS.Signals): void => {
    clear();
    process.kill(process.pid, signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, stop);
  try {
    const [building, scratch] = [join(place, 'export'), join(place, 'scratch')];
    for (const each of [building, scratch]) mkdirSync(each, { recursive: true });
    const done = await work(building, scratch);
    // A folder takes the place of an empty one, and of no other.
    await rename(building, dir).catch(async (error: unknown) => {
      await refuseTaken(dir);
      throw error;
    });
    return done;
  } catch (error) {
    throw isFull(error) ? await full(parent, bytes, error) : error;
  } finally {
    for (const signal of signals) process.off(signal, stop);
    clear();
  }
}

async function refuseTaken(dir: string): Promise<void> {
  const there = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error.code === 'ENOTDIR' ? new AssayError('Forbidden', `${dir} is a file: name a new folder with -o`) : error;
  });
  if (there.length > 0) throw new AssayError('Forbidden', `${dir} is not empty: name a new folder with -o, so that nothing is mixed up`);
}

async function removeLeftovers(parent: string, mark: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = name.startsWith(mark) ? Number(name.slice(mark.length)) : Number.NaN;
    if (Number.isInteger(pid) && !isAlive(pid)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function refuseFull(parent: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(parent);
  if (bavail * bsize < bytes + spareBytes) throw await full(parent, bytes);
}

async function full(parent: string, bytes: number, cause?: unknown): Promise<AssayError> {
  const { bavail, bsize } = await statfs(parent);
  return new AssayError(
    'StoreUnavailable',
    `There is no room in ${parent}: the export takes about ${formatters.formatBytes(bytes + spareBytes)}, and ${formatters.formatBytes(bavail * bsize)} are free. Nothing of it was left there; free space, leave parts out with --only, or name another folder with -o.`,
    { cause },
  );
}

/** The file system's word for it stands somewhere among the causes; DuckDB's in its message. */
function isFull(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (['ENOSPC', 'EDQUOT', 'EFBIG'].includes((at as NodeJS.ErrnoException).code ?? '')) return true;
    if (/No space left on device|File too large/i.test(at.message)) return true;
  }
  return false;
}
