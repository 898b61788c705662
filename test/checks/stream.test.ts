import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { detectStream } from '../../src/checks/stream';
import { quantile } from '../../src/stats';
import { draws } from './samples';

const recorded = JSON.parse(readFileSync(join(__dirname, '../reference/drift.json'), 'utf8')) as {
  streams: Record<string, number[]>;
  marks: Record<string, Record<string, number[]>>;
};

/** First-order autoregression; 0 gives independent rows. */
function autoregressive(random: ReturnType<typeof draws>, n: number, rho: number): Float64Array {
  let x = random.normal() / Math.sqrt(1 - rho * rho);
  return Float64Array.from({ length: n }, () => {
    x = rho * x + random.normal();
    return x;
  });
}

describe('without change', () => {
  const [known, wanted, each] = [300, 150, 25];
  const laws = {
    independent: (random: ReturnType<typeof draws>) => autoregressive(random, known + wanted, 0),
    autocorrelated: (random: ReturnType<typeof draws>) => autoregressive(random, known + wanted, 0.5),
    skewed: (random: ReturnType<typeof draws>) => Float64Array.from({ length: known + wanted }, () => -Math.log(random.uniform())),
    hits: (random: ReturnType<typeof draws>) => Float64Array.from({ length: known + wanted }, () => (random.uniform() < 0.1 ? 1 : 0)),
  };
  test.each([
    ['adwin', ['independent', 'autocorrelated', 'skewed']],
    ['page-hinkley', ['independent', 'autocorrelated', 'skewed']],
    ['ddm', ['hits', 'hits', 'hits']],
  ] as const)(
    '%s raises one false alarm in the rows wanted, within 30 %%',
    (detector, kinds) => {
      let [rows, alarms] = [0, 0];
      kinds.forEach((kind, k) => {
        for (let seed = 1; seed <= each; seed++) {
          const values = laws[kind](draws(1000 * k + seed));
          const { detectedAt } = detectStream({
            column: 'x',
            reference: values.subarray(0, known),
            values: values.subarray(known),
            detector,
            wantedRunLength: wanted,
            seed,
          });
          rows += detectedAt === null ? wanted : detectedAt.row + 1;
          if (detectedAt !== null) alarms++;
        }
      });
      expect(rows / alarms / wanted).toBeGreaterThan(0.7);
      expect(rows / alarms / wanted).toBeLessThan(1.3);
    },
    240_000,
  );
});

describe('with a change', () => {
  const times = Array.from({ length: 2000 }, (_, i) => new Date(Date.UTC(2024, 0, 1, i)).toISOString());

  test.each(['adwin', 'page-hinkley'] as const)(
    '%s notices a step of one standard deviation in time and tells when it began',
    (detector) => {
      const runs = 12;
      let [covered, noticed] = [0, 0];
      const [widths, delays]: [number[], number[]] = [[], []];
      for (let seed = 1; seed <= runs; seed++) {
        const random = draws(seed);
        const values = random.normals(1000).map((x, i) => (i < 700 ? x : x + 1));
        const { detectedAt, began } = detectStream({ column: 'x', values, times, detector, wantedRunLength: 1000, seed });
        if (detectedAt === null || began === null || detectedAt.row < 700) continue;
        noticed++;
        delays.push(detectedAt.row - 700);
        widths.push(began.toRow - began.fromRow);
        if (began.fromRow <= 700 && began.toRow >= 700) covered++;
        expect(detectedAt.time).toBe(times[detectedAt.row]);
        expect(began.fromTime).toBe(times[began.fromRow]);
      }
      // One false alarm in 1,000 rows: of the 200 rows before the step a fifth of the runs has one.
      expect(noticed).toBeGreaterThanOrEqual(0.7 * runs);
      expect(quantile(delays, 0.5)).toBeLessThan(60);
      expect(covered / noticed).toBeGreaterThan(0.8);
      expect(quantile(widths, 0.5)).toBeLessThan(30);
    },
  );

  test('ddm notices an error rate that doubled, and says both rates', () => {
    const random = draws(5);
    const values = Float64Array.from({ length: 2000 }, (_, i) => (random.uniform() < (i < 1300 ? 0.1 : 0.25) ? 1 : 0));
    const { detectedAt, began, detail } = detectStream({ column: 'errors', values, detector: 'ddm', wantedRunLength: 4000 });
    expect(detectedAt?.row).toBeGreaterThan(1300);
    expect(detectedAt?.row).toBeLessThan(1500);
    expect(began?.fromRow).toBeLessThanOrEqual(1300);
    expect(began?.toRow).toBeGreaterThanOrEqual(1290);
    expect(detail).toMatch(/the error rate went from 0\.\d+ to 0\.\d+ \(DDM, one false alarm in \d+ rows\)/);
  });

  test('a change at the first row watched is noticed', () => {
    const random = draws(6);
    const { began } = detectStream({
      column: 'x',
      reference: random.normals(1000),
      values: random.normals(500, 1),
      detector: 'adwin',
      wantedRunLength: 1000,
    });
    expect(began?.fromRow).toBe(0);
  });

  test('a slow slide is noticed before it has gone a standard deviation and a half', () => {
    const random = draws(7);
    const values = random.normals(1500).map((x, i) => x + Math.max(0, (i - 900) / 300));
    const { detectedAt } = detectStream({ column: 'x', values, detector: 'page-hinkley', wantedRunLength: 4000 });
    expect(detectedAt?.row).toBeGreaterThan(900);
    expect(detectedAt?.row).toBeLessThan(1350);
  });

  test.each([
    ['adwin', 238],
    ['page-hinkley', 416],
  ] as const)('%s finds the carbon dioxide of a room changing where people marked it, at row %i', (detector, marked) => {
    const { marks, streams } = recorded;
    expect(
      Object.values(marks['occupancy temperature']!).filter((rows) => rows.some((row) => Math.abs(row - marked) <= 4)).length,
    ).toBeGreaterThanOrEqual(4);
    const values = streams['occupancy CO2']!.map((x, row) => (row < 230 ? Number.NaN : x));
    const reference = streams['occupancy CO2']!.slice(100, 230);
    const { began, detectedAt } = detectStream({ column: 'CO2', reference, values, detector, wantedRunLength: 1000 });
    expect(detectedAt).not.toBeNull();
    expect(began!.fromRow).toBeLessThanOrEqual(marked);
    expect(began!.toRow).toBeGreaterThanOrEqual(marked);
  });
});

describe('input', () => {
  test('rows without a value are passed over and keep their numbers', () => {
    const random = draws(8);
    const values = random.normals(2000).map((x, i) => (i % 3 === 0 ? Number.NaN : i < 1500 ? x : x + 2));
    const { detectedAt, began } = detectStream({ column: 'x', values, detector: 'page-hinkley', wantedRunLength: 1000 });
    expect(detectedAt?.row).toBeGreaterThan(1500);
    expect(detectedAt?.row).toBeLessThan(1530);
    expect(began?.toRow).toBeLessThan(1530);
  });

  test('a shift of units changes nothing', () => {
    const random = draws(9);
    const values = random.normals(2000).map((x, i) => (i < 1500 ? x : x + 1));
    const watch = (scale: number, shift: number) =>
      detectStream({ column: 'x', values: values.map((x) => scale * x + shift), detector: 'adwin', wantedRunLength: 1000 }).detectedAt;
    expect(watch(1, 0)).not.toBeNull();
    expect(watch(1e6, 3e7)).toEqual(watch(1, 0));
  });

  test('of a constant reference the first other value is the change', () => {
    const values = Array.from({ length: 400 }, (_, i) => (i < 350 ? 7 : 8));
    expect(detectStream({ column: 'x', values, detector: 'adwin', wantedRunLength: 1000 })).toMatchObject({
      detectedAt: { row: 350 },
      began: { fromRow: 350, toRow: 350 },
      detail: '"x" was 7 in all of the reference, and is 8 at row 350.',
    });
    expect(detectStream({ column: 'x', values: values.slice(0, 300), detector: 'adwin', wantedRunLength: 1000 }).detectedAt).toBeNull();
  });

  test('ddm refuses numbers that are no hits and errors, and too short a reference is refused', () => {
    const values = draws(1).normals(400);
    expect(() => detectStream({ column: 'x', values, detector: 'ddm', wantedRunLength: 1000 })).toThrow(
      /must hold 0 \(right\) and 1 \(wrong\)/,
    );
    expect(() => detectStream({ column: 'x', values: values.subarray(0, 150), detector: 'adwin', wantedRunLength: 1000 })).toThrow(
      /has 75 rows with a number, and at least 100 are needed/,
    );
    expect(() => detectStream({ column: 'x', values, detector: 'adwin', wantedRunLength: 1.5 })).toThrow(
      /whole number of at least 10 rows/,
    );
  });
});
