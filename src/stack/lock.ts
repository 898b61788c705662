import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AssayError } from '../contract';
import { identifySelf, isAlive, type ProcessIdentity } from './process';

/** Runs `work` alone among all processes; the lock of a dead owner is taken over. */
export async function withLock<T>(file: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const release = tryLock(file);
    if (release !== null) {
      try {
        return await work();
      } finally {
        release();
      }
    }
    if (performance.now() > deadline) {
      const holder = lockHolder(file);
      throw new AssayError(
        'ServerUnavailable',
        `${file} has been held by process ${holder?.pid ?? 'unknown'} for over ${Math.round(waitMs / 1000)} s; end that process and try again`,
      );
    }
    await delay(50);
  }
}

/** Null when a living process holds it; else the function that releases it. */
export function tryLock(file: string): (() => void) | null {
  mkdirSync(dirname(file), { recursive: true });
  const own = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(own, JSON.stringify(identifySelf()));
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      // A link appears whole, so that nobody ever reads a lock without its owner.
      if (attempt > 0 && !removeStale(file)) return null;
      try {
        linkSync(own, file);
        return () => rmSync(file, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
    return null;
  } finally {
    rmSync(own, { force: true });
  }
}

export function lockHolder(file: string): ProcessIdentity | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    return null;
  }
}

/** True when no living owner is left; one process at a time may remove, else it could remove a successor's lock. */
function removeStale(file: string): boolean {
  const guard = `${file}.break`;
  try {
    mkdirSync(guard);
  } catch {
    const age = Date.now() - (statSync(guard, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > 5000) rmSync(guard, { recursive: true, force: true });
    return false;
  }
  try {
    const holder = lockHolder(file);
    if (holder !== null && isAlive(holder)) return false;
    rmSync(file, { force: true });
    return true;
  } finally {
    rmdirSync(guard);
  }
}
