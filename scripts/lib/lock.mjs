import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root } from './root.mjs';
import { say } from './steps.mjs';

/** One set-up of this checkout at a time; the lock of a dead process is taken over. Works before anything is installed. */
export async function withSetupLock(work) {
  const folder = join(tmpdir(), `assay-setup-${userInfo().uid}-${createHash('sha256').update(root).digest('hex').slice(0, 12)}`);
  for (let waited = 0; !take(folder); waited++) {
    if (waited === 0) say('waiting for another set-up of this checkout');
    await delay(200);
  }
  try {
    return await work();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function take(folder) {
  try {
    mkdirSync(folder);
    writeFileSync(join(folder, 'pid'), String(process.pid));
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (!ownerLives(folder)) rmSync(folder, { recursive: true, force: true });
    return false;
  }
}

function ownerLives(folder) {
  try {
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    if (pid > 0) process.kill(pid, 0);
    return true;
  } catch (error) {
    // Between mkdir and write the owner is about to name itself, unless it was killed just there.
    if (error.code === 'ENOENT') return Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0) < 5000;
    return error.code === 'EPERM';
  }
}
