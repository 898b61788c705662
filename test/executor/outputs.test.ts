import { mkdirSync, mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeNpy } from '../../src/contract/npy';
import { collectOutputs } from '../../src/executor';

const good = { metrics: { accuracy: 0.5 }, steps: 10, samples: 80, environment: { node: process.version } };
const testIds = ['a', 'b', 'c', 'd'];
const labels = [0, 1, 1, 0];
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-outputs-'));
  mkdirSync(join(dir, 'out', 'predictions'), { recursive: true });
  writeFileSync(join(dir, 'out', 'result.json'), JSON.stringify(good));
  put('ids', writeNpy(['d', 'c', 'b', 'a']));
  put('labels', writeNpy(Int32Array.of(0, 1, 1, 0)));
  put('scores', writeNpy(scores(), [4, 2]));
});
afterEach(() => rmSync(dir, { recursive: true }));

const scores = (): Float64Array => Float64Array.of(0.9, 0.1, 0.2, 0.8, 0.5, 0.5, 0.6, 0.4);
const scoresBut = (index: number, value: number): Uint8Array => writeNpy(scores().with(index, value), [4, 2]);
const put = (name: string, bytes: Uint8Array): void => writeFileSync(join(dir, 'out', 'predictions', `${name}.npy`), bytes);
const putResult = (text: string): void => writeFileSync(join(dir, 'out', 'result.json'), text);
const cut = (name: string): void => put(name, readFileSync(join(dir, 'out', 'predictions', `${name}.npy`)).subarray(0, -4));
const collect = () => collectOutputs({ dir, testIds, labels, classes: 2 });

test('complete predictions in any order are taken, with the model if there is one', async () => {
  const outputs = await collect();
  expect(outputs).toEqual({
    result: good,
    predictionsDir: join(dir, 'out', 'predictions'),
    modelDir: null,
    eventsFile: join(dir, 'out', 'events.jsonl'),
  });
  expect(readFileSync(outputs.eventsFile, 'utf8')).toBe('');
  mkdirSync(join(dir, 'out', 'model'));
  writeFileSync(join(dir, 'out', 'model', 'weights'), '1');
  expect((await collect()).modelDir).toBe(join(dir, 'out', 'model'));
});

test('64-bit integer ids answer numeric test ids', async () => {
  put('ids', writeNpy(BigInt64Array.of(4n, 3n, 2n, 9007199254740993n)));
  await expect(collectOutputs({ dir, testIds: ['9007199254740993', 2, 3, 4], labels, classes: 2 })).resolves.toMatchObject({
    result: good,
  });
});

const invalid: [string, () => void, RegExp][] = [
  ['no result', () => unlinkSync(join(dir, 'out', 'result.json')), /result\.json: expected the file.*no such file/],
  ['a result that is no JSON', () => putResult('{"metrics": {'), /result\.json: expected one JSON object/],
  [
    'a result with NaN',
    () => putResult(JSON.stringify(good).replace('0.5', 'NaN')),
    /result\.json: expected one JSON object with finite numbers/,
  ],
  ['a result without steps', () => putResult('{"metrics":{},"samples":1,"environment":{}}'), /result\.json: expected .*got steps:/],
  ['no scores', () => unlinkSync(join(dir, 'out', 'predictions', 'scores.npy')), /scores\.npy: expected the file/],
  ['truncated scores', () => cut('scores'), /scores\.npy: expected 64 bytes of data for shape \(4, 2\) of <f8, got 60/],
  ['truncated ids', () => cut('ids'), /ids\.npy: expected 16 bytes of data.*got 12/],
  ['a file that is no npy', () => put('labels', Buffer.from('0,1,1,0\n0,1,1,0\n')), /labels\.npy: expected a NumPy \.npy file/],
  ['pickled objects', () => put('ids', objects()), /ids\.npy: expected an array of numbers or fixed-width text/],
  [
    'float ids',
    () => put('ids', writeNpy(Float64Array.of(1, 2, 3, 4))),
    /ids\.npy: expected one row of int64 or fixed-width text; got <f8/,
  ],
  ['a missing id', () => three(), /ids\.npy: expected each of the 4 test ids once; got 1 missing: a$/],
  ['a doubled id', () => put('ids', writeNpy(['d', 'c', 'b', 'b'])), /ids\.npy: .*got 1 more than once: b/],
  ['a foreign id', () => put('ids', writeNpy(['d', 'c', 'b', 'x'])), /ids\.npy: .*got 1 that are not in the test split: x/],
  [
    'a label too few',
    () => put('labels', writeNpy(Int32Array.of(0, 1, 1))),
    /labels\.npy: expected int32 of shape \(4\); got <i4 of shape \(3\)/,
  ],
  ['float labels', () => put('labels', writeNpy(Float32Array.of(0, 1, 1, 0))), /labels\.npy: expected int32 of shape \(4\); got <f4/],
  [
    'labels that differ',
    () => put('labels', writeNpy(Int32Array.of(0, 1, 0, 0))),
    /labels\.npy: .*got 1 that differ: b \(expected 1, got 0\)/,
  ],
  [
    'a class too many',
    () => put('scores', writeNpy(new Float64Array(12).fill(1 / 3), [4, 3])),
    /scores\.npy: expected .*shape \(4, 2\), a column a class; got <f8 of shape \(4, 3\)/,
  ],
  ['a row too few', () => put('scores', writeNpy(scores().slice(0, 6), [3, 2])), /scores\.npy: expected .*got <f8 of shape \(3, 2\)/],
  ['NaN', () => put('scores', scoresBut(2, Number.NaN)), /scores\.npy: expected finite scores; got NaN or infinite ones for 1 ids: c/],
  ['infinity', () => put('scores', scoresBut(0, Number.POSITIVE_INFINITY)), /scores\.npy: expected finite scores.*: d/],
  [
    'a row that sums to 1.01',
    () => put('scores', scoresBut(7, 0.41)),
    /scores\.npy: expected rows that sum to 1 within 1e-4; got other sums for 1 ids: a \(1\.01\)/,
  ],
  [
    'negative scores',
    () => put('scores', writeNpy(Float64Array.of(1.5, -0.5, 1, 0, 1, 0, 1, 0), [4, 2])),
    /scores\.npy: expected probabilities; got negative ones for 1 ids: d/,
  ],
];

function objects(): Uint8Array {
  const bytes = Buffer.from(writeNpy(BigInt64Array.of(1n, 2n, 3n, 4n)));
  bytes.write("'|O' ", bytes.indexOf("'<i8'"));
  return bytes;
}

function three(): void {
  put('ids', writeNpy(['d', 'c', 'b']));
  put('labels', writeNpy(Int32Array.of(0, 1, 1)));
  put('scores', writeNpy(scores().slice(0, 6), [3, 2]));
}

test.each(invalid)('refuses %s', async (_, damage, message) => {
  damage();
  await expect(collect()).rejects.toMatchObject({ type: 'PredictionsInvalid', message: expect.stringMatching(message) });
});
