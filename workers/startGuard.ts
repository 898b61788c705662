import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { hostFiles } from '../src/activities/hostFiles';
import { log } from '../src/observability';
import { lockHolder } from '../src/stack/lock';
import { isAlive } from '../src/stack/process';

/** Starts the guard of a home where none lives, apart from this process, which it outlives; cheap enough for every report. */
export function startGuard({ home, script = join(__dirname, 'guard.js') }: { home: string; script?: string }): void {
  const files = hostFiles(resolve(home));
  const holder = lockHolder(files.guardLock);
  if (holder !== null && isAlive(holder)) return;
  mkdirSync(resolve(home), { recursive: true });
  const file = openSync(files.guardLog, 'a');
  try {
    const guard = spawn(process.execPath, ['--max-old-space-size=128', script, resolve(home)], {
      cwd: '/',
      detached: true,
      stdio: ['ignore', file, file],
    });
    // Tried again with the next report.
    guard.on('error', (error) => log.error('the guard could not be started', { error }));
    guard.unref();
  } finally {
    closeSync(file);
  }
}
