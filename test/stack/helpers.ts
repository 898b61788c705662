import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stackStatus, stopStack, type Workers } from '../../src/stack';

const homes: string[] = [];

/** A home of its own with stand-in workers: the stack's subject is processes, not what a pool does. */
export function makeHome(): { home: string; workers: Workers } {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'assay-stack-')));
  homes.push(home);
  const script = (name: string): string => {
    const file = join(home, `${name}.js`);
    writeFileSync(
      file,
      `const fs = require('node:fs');
       process.on('SIGTERM', () => { fs.appendFileSync(process.env.ASSAY_HOME + '/ended', '${name}\\n'); process.exit(0); });
       fs.writeFileSync(process.env.ASSAY_HOME + '/${name}.env', JSON.stringify({ ...process.env, pid: process.pid }));
       setInterval(() => {}, 1000);`,
    );
    return file;
  };
  return { home, workers: { control: script('control'), gpu: script('gpu') } };
}

export async function removeHomes(): Promise<void> {
  for (const home of homes.splice(0)) {
    await stopStack(home);
    rmSync(home, { recursive: true, force: true });
  }
}

export async function until<T>(what: string, ask: () => T | Promise<T>, waitMs = 20_000): Promise<NonNullable<T>> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer as NonNullable<T>;
    if (Date.now() > deadline) throw new Error(`still not true after ${waitMs} ms: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

export async function childPid(home: string, name: string): Promise<number> {
  const { children } = await stackStatus(home);
  return children.find((child) => child.name === name)?.pid ?? 0;
}

/** Living processes whose command line names the folder: the daemon, the server and the workers of one home. */
export function processesOf(home: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(home);
      } catch {
        return false;
      }
    });
}
