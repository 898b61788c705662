import { dataInvalid } from './problem';

export interface NpyArray {
  /** NumPy's name, such as `<f4` or `<U12`. */
  dtype: string;
  shape: number[];
  /** Row by row. Floats and uint32 as doubles, int64 as BigInt, smaller integers and booleans as int32. */
  data: Float64Array | BigInt64Array | Int32Array | string[];
}

const magic = Buffer.from('\x93NUMPY', 'latin1');

/** Reads one `.npy` file; `name` is for messages. */
export function readNpy(buffer: Buffer, name = 'array.npy'): NpyArray {
  if (buffer.length < 10 || !buffer.subarray(0, 6).equals(magic))
    throw dataInvalid(`${name} is no .npy file: it does not begin with NumPy's mark.`);
  const wide = (buffer[6] ?? 1) >= 2;
  const start = wide ? 12 : 10;
  const end = start + (wide ? buffer.readUInt32LE(8) : buffer.readUInt16LE(8));
  const header = buffer.subarray(start, end).toString('utf8');
  const dtype = /'descr'\s*:\s*'([^']+)'/.exec(header)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const dimensions = /'shape'\s*:\s*\(([^)]*)\)/.exec(header)?.[1];
  if (dtype === undefined || order === undefined || dimensions === undefined || buffer.length < end)
    throw dataInvalid(`${name} has a damaged or structured header: ${header.trim().slice(0, 100)}. Save one plain array with numpy.save.`);
  const shape = dimensions.split(',').flatMap((text) => (text.trim() === '' ? [] : [Number(text)]));
  const count = shape.reduce((product, size) => product * size, 1);
  const [, byteOrder, kind, width] = /^([<|>=])([a-zA-Z])(\d+)$/.exec(dtype) ?? [];
  const bytes = Number(width) * (kind === 'U' ? 4 : 1);
  const decode = decoders[kind === 'U' || kind === 'S' ? kind : `${kind}${width}`];
  if (decode === undefined)
    throw dataInvalid(`${name} holds ${dtype}; expected floats, integers, booleans or fixed-width text. Convert it with astype.`);
  if (buffer.length - end < count * bytes)
    throw dataInvalid(
      `${name} is truncated: shape (${shape.join(', ')}) of ${dtype} needs ${count * bytes} bytes, found ${buffer.length - end}.`,
    );
  const held = buffer.subarray(end, end + count * bytes);
  const data = decode(byteOrder === '>' ? swapped(held, kind === 'U' ? 4 : Number(width)) : held, count, bytes);
  return { dtype, shape, data: order === 'True' && shape.length > 1 ? rowByRow(data, shape) : data };
}

/** Little-endian, each value of `width` bytes turned round. */
function swapped(bytes: Buffer, width: number): Buffer {
  const turned = Buffer.from(bytes);
  for (let at = 0; at < turned.length; at += width) turned.subarray(at, at + width).reverse();
  return turned;
}

/** Fortran order runs along the first dimension, ours along the last. */
function rowByRow<T extends NpyArray['data']>(data: T, shape: readonly number[]): T {
  const result = data.slice() as T;
  const steps = shape.map((_, dimension) => shape.slice(0, dimension).reduce((product, size) => product * size, 1));
  const place = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    let from = 0;
    for (let d = 0; d < shape.length; d++) from += (place[d] ?? 0) * (steps[d] ?? 0);
    result[i] = data[from] as T[number];
    for (let d = shape.length - 1; d >= 0; d--) {
      place[d] = (place[d] ?? 0) + 1;
      if ((place[d] ?? 0) < (shape[d] ?? 0)) break;
      place[d] = 0;
    }
  }
  return result;
}

/** The dtype follows the kind of array: `<f8`, `<f4`, `<i4`, `<i8` or `<U...`. */
export function writeNpy({
  shape,
  data,
}: {
  shape: number[];
  data: Float64Array | Float32Array | Int32Array | BigInt64Array | string[];
}): Buffer {
  const width = Array.isArray(data) ? data.reduce((longest, text) => Math.max(longest, [...text].length), 1) : 0;
  const dtype = Array.isArray(data)
    ? `<U${width}`
    : data instanceof Float64Array
      ? '<f8'
      : data instanceof Float32Array
        ? '<f4'
        : data instanceof Int32Array
          ? '<i4'
          : '<i8';
  const count = shape.reduce((product, size) => product * size, 1);
  if (count !== data.length) throw new RangeError(`shape (${shape.join(', ')}) does not hold ${data.length} values`);
  const text = `{'descr': '${dtype}', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  const padding = 64 - ((10 + text.length + 1) % 64);
  const header = Buffer.from(`${text}${' '.repeat(padding % 64)}\n`, 'latin1');
  const prefix = Buffer.alloc(10);
  magic.copy(prefix);
  prefix[6] = 1;
  prefix.writeUInt16LE(header.length, 8);
  return Buffer.concat([
    prefix,
    header,
    Array.isArray(data) ? encodeText(data, width) : Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  ]);
}

type Decode = (bytes: Buffer, count: number, width: number) => NpyArray['data'];

const ints =
  (read: (bytes: Buffer, i: number) => number): Decode =>
  (bytes, count) =>
    Int32Array.from({ length: count }, (_, i) => read(bytes, i));

const decoders: Record<string, Decode> = {
  f4: (bytes, count) => Float64Array.from({ length: count }, (_, i) => bytes.readFloatLE(4 * i)),
  f8: (bytes, count) => Float64Array.from({ length: count }, (_, i) => bytes.readDoubleLE(8 * i)),
  i8: (bytes, count) => BigInt64Array.from({ length: count }, (_, i) => bytes.readBigInt64LE(8 * i)),
  u4: (bytes, count) => Float64Array.from({ length: count }, (_, i) => bytes.readUInt32LE(4 * i)),
  i4: ints((bytes, i) => bytes.readInt32LE(4 * i)),
  i2: ints((bytes, i) => bytes.readInt16LE(2 * i)),
  u2: ints((bytes, i) => bytes.readUInt16LE(2 * i)),
  i1: ints((bytes, i) => bytes.readInt8(i)),
  u1: ints((bytes, i) => bytes.readUInt8(i)),
  b1: ints((bytes, i) => bytes.readUInt8(i)),
  U: (bytes, count, width) => Array.from({ length: count }, (_, i) => decodeText(bytes, i * width, width / 4)),
  S: (bytes, count, width) =>
    Array.from({ length: count }, (_, i) => bytes.toString('utf8', i * width, (i + 1) * width).replace(/\0+$/, '')),
};

function decodeText(bytes: Buffer, start: number, characters: number): string {
  let text = '';
  for (let i = 0; i < characters; i++) {
    const point = bytes.readUInt32LE(start + 4 * i);
    if (point !== 0) text += String.fromCodePoint(point);
  }
  return text;
}

function encodeText(texts: readonly string[], width: number): Buffer {
  const bytes = Buffer.alloc(texts.length * width * 4);
  for (const [row, text] of texts.entries())
    for (const [i, character] of [...text].entries()) bytes.writeUInt32LE(character.codePointAt(0) ?? 0, (row * width + i) * 4);
  return bytes;
}
