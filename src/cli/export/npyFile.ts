import { open, readFile } from 'node:fs/promises';
import { type NpyArray, readNpy } from '../../contract/npy';

/** Bytes read at a time. */
const chunkBytes = 4 << 20;

export interface NpyFile {
  dtype: string;
  rows: number;
  /** Values a row: 1 of a vector. */
  width: number;
  /** Row by row, without the whole in memory. */
  chunks: () => AsyncGenerator<NpyArray['values']>;
}

/** An array on disk. Only one in Fortran order is read whole, since its rows lie apart. */
export async function npyFile(path: string): Promise<NpyFile> {
  const head = Buffer.alloc(1 << 16);
  const handle = await open(path, 'r');
  try {
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    const wide = (head[6] ?? 1) >= 2;
    const dataAt = (wide ? 12 : 10) + (wide ? head.readUInt32LE(8) : head.readUInt16LE(8));
    const text = head.toString('latin1', 0, Math.min(dataAt, bytesRead));
    const [, dtype, kind, digits] = /'descr':\s*'([<>|=]([a-zA-Z])(\d+))'/.exec(text) ?? [];
    const shape = (/'shape':\s*\(([\d,\sL]*)\)/.exec(text)?.[1] ?? '')
      .split(',')
      .flatMap((part) => (part.trim() === '' ? [] : [Number.parseInt(part, 10)]));
    // Whatever else is wrong with it, the reader of whole arrays says better.
    if (dtype === undefined || /'fortran_order':\s*True/.test(text) || shape.length === 0) return whole(path);
    const [rows = 0, width = 1] = shape;
    const rowBytes = Number(digits) * (kind === 'U' ? 4 : 1) * width;
    const atOnce = Math.max(1, Math.floor(chunkBytes / Math.max(1, rowBytes)));
    return { dtype, rows, width, chunks: () => chunks(path, { dataAt, rows, width, rowBytes, atOnce, dtype }) };
  } finally {
    await handle.close();
  }
}

async function whole(path: string): Promise<NpyFile> {
  const { dtype, shape, values } = readNpy(await readFile(path));
  const [rows = 0, width = 1] = shape;
  return {
    dtype,
    rows,
    width,
    async *chunks() {
      yield values;
    },
  };
}

async function* chunks(
  path: string,
  {
    dataAt,
    rows,
    width,
    rowBytes,
    atOnce,
    dtype,
  }: { dataAt: number; rows: number; width: number; rowBytes: number; atOnce: number; dtype: string },
): AsyncGenerator<NpyArray['values']> {
  const handle = await open(path, 'r');
  try {
    for (let row = 0; row < rows; row += atOnce) {
      const count = Math.min(atOnce, rows - row);
      const header = Buffer.from(`{'descr': '${dtype}', 'fortran_order': False, 'shape': (${count}, ${width}), }\n`, 'latin1');
      const bytes = Buffer.alloc(10 + header.length + count * rowBytes);
      bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
      bytes.writeUInt16LE(header.length, 8);
      header.copy(bytes, 10);
      const { bytesRead } = await handle.read(bytes, 10 + header.length, count * rowBytes, dataAt + row * rowBytes);
      yield readNpy(bytes.subarray(0, 10 + header.length + bytesRead)).values;
    }
  } finally {
    await handle.close();
  }
}
