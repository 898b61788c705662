import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { cacheFolder } from '../../src/stack';
import { withLock } from '../../src/stack/lock';

/** Makes the image that gets this name. */
export type Make = (name: string) => Promise<unknown>;

/** Short name of what an image is made from. */
export function key(...parts: string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 12);
}

/** Jest workers and other test runs make one image at a time, and the second finds it made. */
export function withTestLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  return withLock(join(cacheFolder(), `test-${name.replaceAll(/[^a-z0-9.-]/g, '-')}.lock`), 20 * 60_000, work);
}
