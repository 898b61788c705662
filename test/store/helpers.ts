import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readdirSync, readSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../src/store';

type OpenStore = ReturnType<typeof openStore>;

const made: string[] = [];

export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'assay-test-'));
  made.push(dir);
  return dir;
}

export function removeTemporaryFolders(): void {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
}

export function freshStore(): { store: OpenStore; root: string } {
  const root = join(temporaryFolder(), 'store');
  return { store: openStore(`file://${root}`), root };
}

/** Over `count` folders. */
export function replicatedStore(count = 3): { store: OpenStore; roots: string[] } {
  const dir = temporaryFolder();
  const roots = Array.from({ length: count }, (_, i) => join(dir, `replica-${i}`));
  return { store: openStore(roots.map((root) => `file://${root}`).join(',')), roots };
}

export const objectPath = (root: string, { digest }: { digest: string }): string =>
  join(root, 'objects', digest.slice(7, 9), digest.slice(9));

/** A replica whose disk is gone: its folder is a file until `back` is called. */
export function takeAway(root: string): { back: () => void } {
  const aside = `${root}.aside`;
  const isThere = statSync(root, { throwIfNoEntry: false }) !== undefined;
  if (isThere) renameSync(root, aside);
  writeFileSync(root, 'no folder');
  return {
    back: () => {
      rmSync(root);
      if (isThere) renameSync(aside, root);
    },
  };
}

export function flipBit(path: string, at = 0): void {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  byte[0] = (byte[0] ?? 0) ^ 1;
  writeSync(file, byte, 0, 1, at);
  closeSync(file);
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
