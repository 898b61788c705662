import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** Files of one embedded stack, all below `<home>/stack`. */
export function stackPaths(home: string) {
  const folder = join(resolve(home), 'stack');
  return {
    home: resolve(home),
    folder,
    state: join(folder, 'stack.json'),
    database: join(folder, 'temporal.db'),
    /** Held while a stack is being started or stopped. */
    startLock: join(folder, 'start.lock'),
    /** Held by the daemon as long as it lives. */
    daemonLock: join(folder, 'daemon.lock'),
    log: (name: string): string => join(folder, `${name}.log`),
  };
}

/** Folder for what is downloaded or built once for all checkouts of this user. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env.ASSAY_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'assay'));
}

/** The package's folder, the same from src/ and from dist/. */
export function packageRoot(): string {
  let folder = __dirname;
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

export const daemonScript = (): string => join(packageRoot(), 'dist', 'src', 'stack', 'daemon.js');

export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version;
}

/** Names the compiled code: a daemon of another build is replaced, since its workers run old code. */
export function buildId(): string {
  const stamp = join(packageRoot(), 'dist', '.built');
  const content = existsSync(stamp) ? readFileSync(stamp) : String(statSync(daemonScript(), { throwIfNoEntry: false })?.mtimeMs);
  return createHash('sha256').update(packageVersion()).update(content).digest('hex').slice(0, 12);
}
