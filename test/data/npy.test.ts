import { readNpy, writeNpy } from '../../src/data';

test.each([
  ['doubles', { shape: [2, 2], data: Float64Array.of(0.1, -2, Number.NaN, 1e300) }, '<f8'],
  ['32-bit integers', { shape: [3], data: Int32Array.of(1, -2, 3) }, '<i4'],
  ['64-bit integers', { shape: [2], data: BigInt64Array.of(2n ** 62n, -1n) }, '<i8'],
  ['text', { shape: [3], data: ['a', 'grün', ''] }, '<U4'],
])('%s come back as they were written', (_what, array, dtype) => {
  const file = writeNpy(array);
  expect(readNpy(file)).toEqual({ dtype, shape: array.shape, data: array.data });
  expect(file.indexOf('\n') % 64).toBe(63);
});

test('32-bit floats are read as doubles', () => {
  expect(readNpy(writeNpy({ shape: [2], data: Float32Array.of(0.5, 0.25) }))).toEqual({
    dtype: '<f4',
    shape: [2],
    data: Float64Array.of(0.5, 0.25),
  });
});

const header = (text: string, data: Buffer): Buffer => {
  const prefix = Buffer.from('\x93NUMPY\x01\x00\x00\x00', 'latin1');
  prefix.writeUInt16LE(text.length, 8);
  return Buffer.concat([prefix, Buffer.from(text), data]);
};

test('bytes, booleans and small unsigned integers are read', () => {
  expect(readNpy(header("{'descr': '|S2', 'fortran_order': False, 'shape': (2,), }\n", Buffer.from('abc\0'))).data).toEqual(['ab', 'c']);
  expect(readNpy(header("{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }\n", Buffer.from([1, 0]))).data).toEqual(
    Int32Array.of(1, 0),
  );
  expect(readNpy(header("{'descr': '|u1', 'fortran_order': False, 'shape': (), }\n", Buffer.from([200]))).data).toEqual(Int32Array.of(200));
});

test('an array in Fortran order is read row by row, as predict_proba of some models is saved', () => {
  const data = Buffer.alloc(48);
  [1, 4, 2, 5, 3, 6].forEach((value, i) => data.writeDoubleLE(value, 8 * i));
  const fortran = header("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }\n", data);
  expect(readNpy(fortran)).toMatchObject({ shape: [2, 3], data: Float64Array.of(1, 2, 3, 4, 5, 6) });
});

test('big-endian numbers and text are turned round', () => {
  const data = Buffer.alloc(16);
  data.writeDoubleBE(0.25, 0);
  data.writeDoubleBE(-3, 8);
  expect(readNpy(header("{'descr': '>f8', 'fortran_order': False, 'shape': (2,), }\n", data)).data).toEqual(Float64Array.of(0.25, -3));
  const text = Buffer.from([0, 0, 0, 0x41, 0, 1, 0xf6, 0]);
  expect(readNpy(header("{'descr': '>U2', 'fortran_order': False, 'shape': (1,), }\n", text)).data).toEqual([
    'A😀'.replace('😀', String.fromCodePoint(0x1f600)),
  ]);
});

test.each([
  ['no npy', Buffer.from('hello world, hello'), 'x.npy is no .npy file'],
  ['objects', header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", Buffer.alloc(8)), 'x.npy holds |O; expected'],
  [
    'truncated',
    header("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n", Buffer.alloc(40)),
    'x.npy is truncated: shape (2, 3) of <f8 needs 48 bytes, found 40.',
  ],
])('%s is refused by name', (_what, file, message) => {
  expect(() => readNpy(file, 'x.npy')).toThrow(message);
});
