import { readNpy, writeNpy } from '../../src/contract/npy';

test.each([
  ['doubles', Float64Array.of(1.5, -0, Number.NaN), '<f8'],
  ['floats', Float32Array.of(1.5, 2), '<f4'],
  ['64-bit integers', BigInt64Array.of(-1n, 2n ** 53n + 1n), '<i8'],
  ['integers', Int32Array.of(-1, 7), '<i4'],
  ['text', ['a', 'größer', '', '🙂x'], '<U6'],
])('%s come back as they were written', (_, values, dtype) => {
  expect(readNpy(writeNpy(values))).toEqual({ dtype, shape: [values.length], values });
});

test('the data begin at a multiple of 64 bytes, as NumPy writes them', () => {
  expect(writeNpy(Float64Array.of(1)).length % 64).toBe(8);
});

test('big-endian and column-order arrays are read in row order', () => {
  const header = "{'descr': '>f8', 'fortran_order': True, 'shape': (2, 3), }\n";
  const bytes = Buffer.alloc(10 + header.length + 48);
  bytes.write('\x93NUMPY\x01\x00', 'latin1');
  bytes.writeUInt16LE(header.length, 8);
  bytes.write(header, 10);
  [1, 4, 2, 5, 3, 6].forEach((value, i) => bytes.writeDoubleBE(value, 10 + header.length + i * 8));
  expect(readNpy(bytes)).toEqual({ dtype: '>f8', shape: [2, 3], values: Float64Array.of(1, 2, 3, 4, 5, 6) });
});
