import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Store, openStore } from '../../src/store';

const made: string[] = [];

export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'assay-test-'));
  made.push(dir);
  return dir;
}

export function removeTemporaryFolders(): void {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
}

export function freshStore(): { store: Store; root: string } {
  const root = join(temporaryFolder(), 'store');
  return { store: openStore(`file://${root}`), root };
}

export const child = (...args: string[]): ChildProcess =>
  spawn(process.execPath, [join(__dirname, 'child.js'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });

/** Waits until the child printed `text`. */
export async function says(process: ChildProcess, text: string): Promise<void> {
  let seen = '';
  for await (const chunk of process.stdout as AsyncIterable<Buffer>) {
    seen += chunk.toString();
    if (seen.includes(text)) return;
  }
  throw new Error(`the child ended and said only ${JSON.stringify(seen)}`);
}

export async function ended(process: ChildProcess): Promise<number | null> {
  if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
  return process.exitCode;
}

export function filesBelow(dir: string): string[] {
  try {
    return (readdirSync(dir, { recursive: true }) as string[]).filter((path) => statSync(join(dir, path)).isFile()).sort();
  } catch {
    return [];
  }
}
