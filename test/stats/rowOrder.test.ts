import {
  brierScore,
  delong,
  expectedCalibrationError,
  importanceMean,
  logLoss,
  pairedTTest,
  varianceComponents,
  welchTTest,
} from '../../src/stats';
import { normal, uniform } from '../analysis/simulate';

describe('the order of rows changes no bit', () => {
  const random = uniform(11);
  for (let round = 0; round < 20; round++) {
    const n = 20 + Math.floor(200 * random());
    const [x, y] = [0, 0].map(() => Array.from({ length: n }, () => 0.1 + normal(random))) as [number[], number[]];
    const [p, q] = [0, 0].map(() => Array.from({ length: n }, () => Math.round(50 * random()) / 50)) as [number[], number[]];
    const labels = Array.from({ length: n }, (_, row) => (row < 2 ? 0 : row < 4 ? 1 : Math.floor(2 * random())));
    const keys = x.map(() => random());
    const order = keys.map((_, row) => row).sort((i, j) => (keys[i] as number) - (keys[j] as number));
    const moved = (values: number[]): number[] => order.map((row) => values[row] as number);

    test.each([
      ['pairedTTest', () => [pairedTTest(x, y), pairedTTest(moved(x), moved(y))]],
      ['welchTTest', () => [welchTTest(x, y), welchTTest(moved(x), moved(y))]],
      ['delong', () => [delong(labels, p, q), delong(moved(labels), moved(p), moved(q))]],
      ['importanceMean', () => [importanceMean(x, p), importanceMean(moved(x), moved(p))]],
      ['logLoss', () => [logLoss(labels, p), logLoss(moved(labels), moved(p))]],
      ['brierScore', () => [brierScore(labels, p), brierScore(moved(labels), moved(p))]],
      ['expectedCalibrationError', () => [expectedCalibrationError(labels, p), expectedCalibrationError(moved(labels), moved(p))]],
      [
        'varianceComponents',
        () => [varianceComponents({ a: [x, p], b: [y, q] }), varianceComponents({ a: [moved(x), moved(p)], b: [moved(y), moved(q)] })],
      ],
    ])(`of %s, ${n} rows in round ${round}`, (_name, both) => {
      const [given, shuffled] = both();
      expect(shuffled).toEqual(given);
    });
  }
});

test('equal values have no spread, whatever they are', () => {
  for (const value of [0.1, 1 / 3, 1e-300, 7e22])
    for (const n of [3, 7, 49, 100]) {
      const difference = pairedTTest(new Array<number>(n).fill(value), new Array<number>(n).fill(0));
      expect(difference).toMatchObject({ difference: value, low: value, high: value, pValue: 0 });
    }
});

test('what is no probability is refused by the metrics that need one', () => {
  for (const metric of [logLoss, brierScore, expectedCalibrationError])
    for (const score of [-0.01, 1.01, 3]) expect(() => metric([0, 1], [0.5, score])).toThrow(/scores\[1\] must be a probability/);
});
