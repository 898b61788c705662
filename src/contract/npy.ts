/** NumPy's .npy format, versions 1 to 3, as far as the run contract uses it: numbers and fixed-width text. */
export interface NpyArray {
  /** As in the file, e.g. `<f8`, `<i8`, `<U12`. */
  dtype: string;
  shape: number[];
  /** C order whatever the file's order. 64-bit integers are bigint. */
  values:
    | Float64Array
    | Float32Array
    | Int32Array
    | Int16Array
    | Int8Array
    | Uint8Array
    | Uint16Array
    | Uint32Array
    | BigInt64Array
    | BigUint64Array
    | string[];
}

/** Throws an Error whose message says what was expected and got. */
export function readNpy(bytes: Uint8Array): NpyArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (bytes.length < 10 || magic.some((b, i) => bytes[i] !== b)) throw new Error('expected a NumPy .npy file, got something else');
  const wide = (bytes[6] ?? 1) >= 2;
  if (wide && bytes.length < 12) throw new Error('expected a whole .npy header, got a file cut short');
  const start = wide ? 12 : 10;
  const dataAt = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  if (bytes.length < dataAt) throw new Error(`expected ${dataAt} bytes of header, got ${bytes.length}: the file is cut short`);
  const { dtype, fortran, shape } = parseHeader(ascii(bytes, start, dataAt));
  const kind = dtype[1] ?? '';
  const width = Number(dtype.slice(2)) * (kind === 'U' ? 4 : 1);
  const count = shape.reduce((a, b) => a * b, 1);
  if (bytes.length - dataAt !== count * width) {
    throw new Error(`expected ${count * width} bytes of data for shape (${shape.join(', ')}) of ${dtype}, got ${bytes.length - dataAt}`);
  }
  const values = readValues(view, dataAt, count, dtype, width);
  return { dtype, shape, values: fortran && shape.length > 1 ? toRowOrder(values, shape) : values };
}

/** Version 1.0, C order. Text becomes `<U`; the shape defaults to one dimension. */
export function writeNpy(values: NpyArray['values'] | readonly string[], shape: readonly number[] = [values.length]): Uint8Array {
  const texts = isTexts(values) ? values.map((text) => Array.from(text, (c) => c.codePointAt(0) ?? 0)) : null;
  const chars = texts ? texts.reduce((longest, text) => Math.max(longest, text.length), 1) : 0;
  const dtype = isTexts(values) ? `<U${chars}` : (dtypeOf.get(values.constructor) ?? '');
  const width = isTexts(values) ? chars * 4 : values.BYTES_PER_ELEMENT;
  const tuple = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
  const head = `{'descr': '${dtype}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const padded = `${head}${' '.repeat((64 - ((10 + head.length + 1) % 64)) % 64)}\n`;
  const bytes = new Uint8Array(10 + padded.length + values.length * width);
  const view = new DataView(bytes.buffer);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  view.setUint16(8, padded.length, true);
  for (let i = 0; i < padded.length; i++) bytes[10 + i] = padded.charCodeAt(i);
  const at = 10 + padded.length;
  if (texts) texts.forEach((points, i) => points.forEach((point, j) => view.setUint32(at + i * width + j * 4, point, true)));
  else if (!isTexts(values)) bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
  return bytes;
}

type Numbers = Exclude<NpyArray['values'], string[]>;

const isTexts = (values: Numbers | readonly string[]): values is readonly string[] => Array.isArray(values);

const dtypeOf = new Map<unknown, string>([
  [Float64Array, '<f8'],
  [Float32Array, '<f4'],
  [Int32Array, '<i4'],
  [Int16Array, '<i2'],
  [Int8Array, '|i1'],
  [Uint8Array, '|u1'],
  [Uint16Array, '<u2'],
  [Uint32Array, '<u4'],
  [BigInt64Array, '<i8'],
  [BigUint64Array, '<u8'],
]);

function parseHeader(header: string): { dtype: string; fortran: boolean; shape: number[] } {
  const dtype = /'descr':\s*'([<>|=][a-zA-Z]\d+)'/.exec(header)?.[1];
  const fortran = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const shape = /'shape':\s*\(([\d,\sL]*)\)/.exec(header)?.[1];
  if (dtype === undefined || fortran === undefined || shape === undefined) {
    throw new Error(`expected an array of numbers or fixed-width text, got the header ${header.trim()}`);
  }
  const sizes = shape
    .split(',')
    .map((s) => s.trim().replace('L', ''))
    .filter((s) => s !== '')
    .map(Number);
  return { dtype, fortran: fortran === 'True', shape: sizes };
}

function readValues(view: DataView, at: number, count: number, dtype: string, width: number): NpyArray['values'] {
  const little = dtype[0] !== '>';
  const fill = <T extends { [i: number]: V }, V>(into: T, get: (offset: number) => V): T => {
    for (let i = 0; i < count; i++) into[i] = get(at + i * width);
    return into;
  };
  switch (dtype.slice(1)) {
    case 'f8':
      return fill(new Float64Array(count), (o) => view.getFloat64(o, little));
    case 'f4':
      return fill(new Float32Array(count), (o) => view.getFloat32(o, little));
    case 'i8':
      return fill(new BigInt64Array(count), (o) => view.getBigInt64(o, little));
    case 'u8':
      return fill(new BigUint64Array(count), (o) => view.getBigUint64(o, little));
    case 'i4':
      return fill(new Int32Array(count), (o) => view.getInt32(o, little));
    case 'u4':
      return fill(new Uint32Array(count), (o) => view.getUint32(o, little));
    case 'i2':
      return fill(new Int16Array(count), (o) => view.getInt16(o, little));
    case 'u2':
      return fill(new Uint16Array(count), (o) => view.getUint16(o, little));
    case 'i1':
      return fill(new Int8Array(count), (o) => view.getInt8(o));
    case 'u1':
    case 'b1':
      return fill(new Uint8Array(count), (o) => view.getUint8(o));
  }
  const unit = dtype[1] === 'U' ? 4 : dtype[1] === 'S' ? 1 : 0;
  if (unit === 0) throw new Error(`expected integers, floats or fixed-width text, got dtype ${dtype}`);
  return fill([] as string[], (o) => textAt(view, o, width, unit, little));
}

/** Padding NULs at the end are not part of the text. */
function textAt(view: DataView, at: number, width: number, unit: number, little: boolean): string {
  const points: number[] = [];
  for (let o = at; o < at + width; o += unit) points.push(unit === 4 ? view.getUint32(o, little) : view.getUint8(o));
  while (points.length > 0 && points.at(-1) === 0) points.pop();
  return points.map((point) => String.fromCodePoint(point)).join('');
}

function toRowOrder(values: NpyArray['values'], shape: number[]): NpyArray['values'] {
  const source = values as ArrayLike<unknown>;
  const target = (Array.isArray(values) ? [] : values.slice()) as { [i: number]: unknown };
  for (let i = 0; i < source.length; i++) {
    let rest = i;
    let from = 0;
    for (let d = shape.length - 1; d >= 0; d--) {
      const size = shape[d] ?? 1;
      from += (rest % size) * shape.slice(0, d).reduce((a, b) => a * b, 1);
      rest = Math.floor(rest / size);
    }
    target[i] = source[from];
  }
  return target as NpyArray['values'];
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i] ?? 0);
  return text;
}
