import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Adwin,
  binomialQuantile,
  blockLength,
  calibrateRunLength,
  changePoint,
  Ddm,
  type Detector,
  Generator,
  normalQuantile,
  PageHinkley,
} from '../../src/stats';

interface Recorded {
  detector: 'Adwin' | 'PageHinkley' | 'Ddm';
  options: object;
  stream: string;
  alarms: number[];
  warnings: number[];
  /** Of ADWIN after each 100 rows: width, sum, variance. */
  windows: [number, number, number][];
}

const recorded = JSON.parse(readFileSync(join(__dirname, '../reference/drift.json'), 'utf8')) as {
  streams: Record<string, number[] | string>;
  detectors: Recorded[];
};
const streams = new Map(Object.entries(recorded.streams).map(([name, values]) => [name, Array.from(values, Number)]));

test('the recorded streams are not cut short', () => {
  expect(recorded.detectors.length).toBeGreaterThanOrEqual(50);
  expect(recorded.detectors.flatMap(({ alarms }) => alarms).length).toBeGreaterThan(200);
});

describe.each(['Adwin', 'PageHinkley', 'Ddm'] as const)('%s raises its alarms on the rows that river does', (detector) => {
  const cases = recorded.detectors.filter((one) => one.detector === detector);
  test.each(cases.map((one) => [one.stream, JSON.stringify(one.options), one] as const))(
    '%s %s',
    (_, __, { stream, options, ...river }) => {
      const made: Detector = detector === 'Adwin' ? new Adwin(options) : detector === 'Ddm' ? new Ddm(options) : new PageHinkley(options);
      const found = { alarms: [] as number[], warnings: [] as number[], windows: [] as number[][] };
      streams.get(stream)!.forEach((x, i) => {
        const { drift, warning } = made.update(x);
        if (drift) found.alarms.push(i);
        if (warning) found.warnings.push(i);
        if (made instanceof Adwin && i % 100 === 99) found.windows.push([made.width, made.total, made.variance]);
      });
      expect(found.alarms).toEqual(river.alarms);
      expect(found.warnings).toEqual(river.warnings);
      expect(found.windows.length).toBe(river.windows.length);
      found.windows.forEach((window, i) =>
        window.forEach((value, k) => expect(Math.abs(value - river.windows[i]![k]!)).toBeLessThan(1e-6 * Math.max(1, value))),
      );
    },
  );
});

describe('run length', () => {
  const generator = new Generator(1);
  const normals = (n: number, rho = 0): Float64Array => {
    let x = 0;
    return Float64Array.from({ length: n }, () => {
      x = rho * x + normalQuantile(generator.uniform());
      return x;
    });
  };

  test('blocks of independent rows are single rows, and those of autocorrelated rows hold their memory', () => {
    expect(blockLength(normals(2000))).toBe(1);
    const block = blockLength(normals(2000, 0.8));
    expect(block).toBeGreaterThanOrEqual(50);
    expect(block).toBeLessThanOrEqual(250);
    expect(blockLength(new Float64Array(100).fill(3))).toBe(1);
  });

  test('a longer run length takes a higher threshold, also beyond what is simulated', () => {
    const reference = normals(500);
    const threshold = (wanted: number): number =>
      calibrateRunLength(reference, () => new PageHinkley({ alpha: 1, delta: 0.1, threshold: Infinity }), {
        wanted,
        runs: 100,
        budget: 100_000,
      }).threshold;
    const [low, high, far] = [threshold(200), threshold(1000), threshold(100_000)];
    expect(low).toBeLessThan(high);
    expect(high).toBeLessThan(far);
    expect(far).toBeLessThan(3 * high + 50);
  });

  test('the same seed gives the same threshold', () => {
    const reference = normals(300);
    const calibrated = () =>
      calibrateRunLength(reference, () => new Adwin({ delta: Number.MIN_VALUE }), { wanted: 200, runs: 100, seed: 3 });
    expect(calibrated()).toEqual(calibrated());
  });
});

describe('place of a change', () => {
  test('is exact where nothing is random', () => {
    expect(changePoint([1, 1, 1, 1, 5, 5, 5])).toEqual({ at: 4, from: 4, to: 4, before: 1, after: 5 });
  });

  test('lies within its set as often as claimed', () => {
    const generator = new Generator(2);
    const runs = 400;
    let within = 0;
    for (let run = 0; run < runs; run++) {
      const values = Float64Array.from({ length: 200 }, (_, i) => normalQuantile(generator.uniform()) + (i < 120 ? 0 : 1));
      const { from, to } = changePoint(values, { confidence: 0.9 });
      if (from <= 120 && to >= 120) within++;
    }
    expect(within).toBeGreaterThanOrEqual(binomialQuantile(0.005, runs, 0.9));
  });
});

test('what is no number is refused by every detector', () => {
  expect(() => new Adwin().update(Number.NaN)).toThrow('x must be a finite number, got NaN');
  expect(() => new PageHinkley().update(Infinity)).toThrow('x must be a finite number, got Infinity');
  expect(() => new Ddm().update(0.5)).toThrow('x must be 0 (right) or 1 (wrong), got 0.5');
});
