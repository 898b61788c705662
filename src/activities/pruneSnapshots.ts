import { lstat, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runsDir, snapshotsDir } from './host';

/** Long enough between a snapshot's use and the folder of the run that uses it. */
const marginMilliseconds = 24 * 3_600_000;

/**
 * Removes the folders of snapshots that no run of this host can be using: those that were last asked for a day before the oldest run
 * that is here began. What they share with the cache of objects stays there, up to its bound. Returns the names of what went.
 */
export async function pruneSnapshots(home: string, now = Date.now()): Promise<string[]> {
  const folder = snapshotsDir(home);
  const oldest = Math.min(now, ...(await births(runsDir(home)))) - marginMilliseconds;
  const removed: string[] = [];
  for (const name of await names(folder)) {
    if (!/^[0-9a-f]{64}$/.test(name)) continue;
    const used = await stat(join(folder, name)).catch(() => null);
    if (used === null || used.mtimeMs >= oldest) continue;
    // Renamed first: whoever asks for it now makes it anew.
    const aside = join(folder, `.${name}.${process.pid}.old`);
    await rename(join(folder, name), aside);
    await rm(aside, { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}

/** When each experiment that has runs here began here. */
async function births(folder: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await names(folder)) {
    const { birthtimeMs, ctimeMs } = await lstat(join(folder, name)).catch(() => ({ birthtimeMs: 0, ctimeMs: 0 }));
    // A file system that keeps no time of birth says 0: then nothing is removed.
    found.push(Math.min(birthtimeMs, ctimeMs));
  }
  return found;
}

const names = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);
