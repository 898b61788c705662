import { closeSync, copyFileSync, fstatSync, openSync, readSync, statSync, truncateSync } from 'node:fs';

/** A log above this is moved to `<file>.1`, bytes: a stack's logs are bounded at twice this a process. */
const limitBytes = 10 * 1024 * 1024;

/** Descriptor for appending; the child keeps writing to it when the daemon dies. */
export function openLog(file: string): number {
  boundLog(file);
  return openSync(file, 'a');
}

/** Writers append, so that they go on at the new end after the cut. */
export function boundLog(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= limitBytes) return;
  copyFileSync(file, `${file}.1`);
  truncateSync(file, 0);
}

/** The last lines of a log, for an error message; empty when there is none. */
export function tail(file: string, lines = 15): string {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return '';
  const descriptor = openSync(file, 'r');
  try {
    const size = fstatSync(descriptor).size;
    const buffer = Buffer.alloc(Math.min(size, 16_384));
    readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } finally {
    closeSync(descriptor);
  }
}
