import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Backend, ByteRange } from './backend';
import { asStoreError } from './files';
import type { Verification } from './store';

/** Where the bytes of an object may lie: under a key of its own, or in a range of a pack. */
export interface Place {
  key: string;
  /** Digest of all that lies under the key. */
  digest: string;
  range?: ByteRange;
}

/** What one replica has there, read and hashed. */
export async function inspect(
  backend: Backend,
  place: Place,
  digest: string,
): Promise<{ state: Verification['replicas'][number]['state']; detail: string }> {
  const name = placeName(backend, place);
  try {
    const stream = await backend.read(place.key, place.range);
    if (stream === null) return { state: 'missing', detail: `${name} is missing` };
    const counted = new Counted();
    for await (const _ of counted.through(stream));
    const found = counted.digest();
    if (found === digest) return { state: 'sound', detail: name };
    return { state: 'corrupt', detail: `${name} has ${counted.size} bytes with digest ${found}` };
  } catch (error) {
    return { state: 'unavailable', detail: `${name} cannot be read (${(asStoreError(error, name) as Error).message})` };
  }
}

/** Hashes what passes. */
export class Counted {
  readonly #hash = createHash('sha256');
  size = 0;

  async *through(stream: Readable): AsyncGenerator<Buffer> {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      this.#hash.update(chunk);
      this.size += chunk.length;
      yield chunk;
    }
  }

  digest(): string {
    return `sha256:${this.#hash.digest('hex')}`;
  }
}

/** From `offset` bytes after where it begins. */
export async function openAt(backend: Backend, { key, range }: Place, offset: number): Promise<Readable | null> {
  if (offset === 0) return await backend.read(key, range);
  const end = range?.end ?? (await backend.stat(key))?.size;
  if (end === undefined) return null;
  const start = (range?.start ?? 0) + offset;
  return await backend.read(key, { start: Math.min(start, end), end });
}

/** As a person finds it. */
export function placeName(backend: Backend, { key, range }: Place): string {
  const name = backend.url.startsWith('file:')
    ? `${fileURLToPath(backend.url).replace(/\/$/, '')}/${key}`
    : `${backend.url.replace(/\/$/, '')}/${key}`;
  return range === undefined ? name : `${name} (bytes ${range.start} to ${range.end})`;
}
