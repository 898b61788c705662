import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { isThisProcess, type Owner, stateOf, thisProcess } from './owner';

/** A lock of another host whose owner cannot be looked up counts as left behind after this many milliseconds; work under a lock takes a few. */
const foreignLockMilliseconds = 60_000;

/** Tokens of the locks that this process holds or waits for. */
const own = new Set<string>();

/** Runs `work` while this process alone holds the lock file; a dead owner's lock is taken over. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const token = randomUUID();
  own.add(token);
  try {
    await acquire(path, token);
    try {
      return await work();
    } finally {
      await rm(path, { force: true });
    }
  } finally {
    // Not before the file is removed: until then nobody here takes it for one that was left.
    own.delete(token);
  }
}

async function acquire(path: string, token: string): Promise<void> {
  const mine = `${path}.${token}`;
  await writeFile(mine, JSON.stringify({ token, owner: thisProcess() }));
  try {
    for (let attempt = 0; ; attempt++) {
      if (await linked(mine, path)) return;
      const held = await holder(path);
      if (held !== null && (await isLeftBehind(path, held)) && (await takeOver(path, mine, held.token))) return;
      await pause(Math.min(2 + attempt, 20) * (0.5 + Math.random()));
    }
  } finally {
    await rm(mine, { force: true });
  }
}

/** Only the holder of the lock named by the dead token may replace it, so that two late comers never unlink each other's fresh lock. */
async function takeOver(path: string, mine: string, deadToken: string): Promise<boolean> {
  return await withLock(`${path}-${deadToken.slice(0, 8)}`, async () => {
    if ((await holder(path))?.token !== deadToken) return false;
    const fresh = `${mine}.next`;
    await link(mine, fresh);
    await rename(fresh, path);
    return true;
  });
}

/** Gives a file a further name; false where the name is taken. */
export async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function holder(path: string): Promise<{ token: string; owner: Owner } | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as { token: string; owner: Owner };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** One of this process that it no longer knows could not be removed, since the folder was away then. */
async function isLeftBehind(path: string, { token, owner }: { token: string; owner: Owner }): Promise<boolean> {
  if (isThisProcess(owner)) return !own.has(token);
  const state = stateOf(owner);
  if (state !== 'unknown') return state === 'dead';
  const made = await stat(path).catch(() => null);
  return made !== null && Date.now() - made.mtimeMs > foreignLockMilliseconds;
}
