import { open } from 'node:fs/promises';
import { filesOf } from './layout';

/** The last `lines` lines of stdout, then of stderr: what a trainer says when it dies stands at the end. */
export async function logTail(dir: string, lines: number): Promise<string> {
  const { stdout, stderr } = filesOf(dir);
  const [out, err] = await Promise.all([tailOf(stdout, lines), tailOf(stderr, lines)]);
  return [...out, ...err].map((line) => `${line}\n`).join('');
}

/** The current file, and before it the older half that the shim set aside. */
async function tailOf(path: string, lines: number): Promise<string[]> {
  const recent = await lastLines(path, lines);
  return recent.length >= lines ? recent : [...(await lastLines(`${path}.1`, lines - recent.length)), ...recent];
}

async function lastLines(path: string, lines: number): Promise<string[]> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path);
  } catch {
    return [];
  }
  try {
    const { size } = await file.stat();
    const length = Math.min(size, lines * bytesPerLine);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    const text = buffer.subarray(0, bytesRead).toString('utf8').replace(/\n$/, '');
    return text === '' ? [] : text.split('\n').slice(-lines);
  } finally {
    await file.close();
  }
}

/** Longer lines are cut at the front of the tail. */
const bytesPerLine = 1000;
