// Whole commands and what they used, and files of random bytes for them.
import { spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** CPU seconds of the command and all it started, clock seconds, and the peak of its largest process in bytes. Needs GNU time. */
export function timed(dir, command, args, { env = {}, cwd = dir } = {}) {
  const out = join(dir, 'time');
  const stdout = must('/usr/bin/time', ['-o', out, '-f', '%U %S %e %M', command, ...args], { cwd, env: { ...process.env, ...env } });
  const [user, system, wall, kilobytes] = readFileSync(out, 'utf8').trim().split('\n').at(-1).split(' ').map(Number);
  return { cpu: user + system, wall, peak: kilobytes * 1024, stdout };
}

export function must(command, args, options = {}) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { ...options, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (error || status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${error?.message ?? stderr}`);
  return stdout;
}

export const isThere = (command, ...args) => spawnSync(command, args).status === 0;

/** `count` files in up to 100 folders. */
export function writeFiles(dir, megabytes, count) {
  const bytes = Math.round((megabytes * 2 ** 20) / count);
  const block = Buffer.alloc(Math.min(bytes, 2 ** 20));
  for (let i = 0; i < count; i++) {
    const folder = join(dir, String(i % 100).padStart(2, '0'));
    if (i < 100) mkdirSync(folder, { recursive: true });
    const file = openSync(join(folder, `${i}.bin`), 'w');
    for (let left = bytes; left > 0; left -= block.length) writeSync(file, randomFillSync(block), 0, Math.min(left, block.length));
    closeSync(file);
  }
}

export function filesOf(dir) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}
