import { readFile } from 'node:fs/promises';
import { inflateRawSync } from 'node:zlib';
import { type NpyArray, readNpy } from './npy';
import { dataInvalid } from './problem';

/** The arrays of an `.npz` archive by name. */
export async function readNpz(path: string, name: string): Promise<Map<string, NpyArray>> {
  const file = await readFile(path);
  const arrays = new Map<string, NpyArray>();
  try {
    for (const entry of directory(file)) {
      const array = entry.name.replace(/\.npy$/, '');
      arrays.set(array, readNpy(contents(file, entry), `${name}, array ${array}`));
    }
  } catch (error) {
    if ((error as Error).name === 'DataInvalid') throw error;
    throw dataInvalid(
      `${name} cannot be read as .npz: ${(error as Error).message}. The file is truncated, or was not written by numpy.savez.`,
      error,
    );
  }
  return arrays;
}

interface Entry {
  name: string;
  method: number;
  compressed: number;
  offset: number;
}

function directory(file: Buffer): Entry[] {
  const end = file.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  if (end < 0) throw new Error('its directory is missing');
  const entries: Entry[] = [];
  let at = file.readUInt32LE(end + 16);
  for (let left = file.readUInt16LE(end + 10); left > 0; left--) {
    if (file.readUInt32LE(at) !== 0x02014b50) throw new Error('its directory is damaged');
    const nameLength = file.readUInt16LE(at + 28);
    const extraLength = file.readUInt16LE(at + 30);
    const compressed = file.readUInt32LE(at + 20);
    const offset = file.readUInt32LE(at + 42);
    if (compressed === 0xffffffff || offset === 0xffffffff) throw new Error('it is larger than 4 GiB; use Parquet for that much');
    entries.push({ name: file.toString('utf8', at + 46, at + 46 + nameLength), method: file.readUInt16LE(at + 10), compressed, offset });
    at += 46 + nameLength + extraLength + file.readUInt16LE(at + 32);
  }
  return entries;
}

function contents(file: Buffer, { name, method, compressed, offset }: Entry): Buffer {
  const start = offset + 30 + file.readUInt16LE(offset + 26) + file.readUInt16LE(offset + 28);
  const data = file.subarray(start, start + compressed);
  if (method === 0) return data;
  if (method === 8) return inflateRawSync(data);
  throw new Error(`${name} is compressed by method ${method}`);
}
