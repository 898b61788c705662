import { ExperimentSpec } from '../../src/contract';
import { contradictionsIn } from '../../src/contract/specChecks';
import { splitOf } from '../../src/data';
import { momentOf } from '../../src/data/moments';
import { exactShares } from '../../src/data/strata';
import { join } from 'node:path';
import { removeTemporaryFolders } from '../store/helpers';
import { csv, parquet, type Room, room, rows } from './helpers';

afterAll(removeTemporaryFolders);

const placeOf = async (at: Room, data = {}, more = {}): Promise<Map<string, string>> => {
  const splits = await at.splits(data, more);
  return new Map(Object.entries(splits).flatMap(([split, members]) => members.map(({ id }) => [String(id), split])));
};

/** Rows of three classes, 503, 97 and 20, in an order that is not that of the classes. */
const skewed = (): string[] =>
  Array.from(
    { length: 620 },
    (_, i) => `r${i},${i % 31 === 0 ? 'rare' : i % 31 < 6 && i % 31 > 0 && i < 607 ? 'some' : 'most'},${i * 1.5},a`,
  );

const classesOf = (lines: string[]): Map<string, string> => new Map(lines.map((line) => [line.split(',')[0]!, line.split(',')[1]!]));

test('without stratify a row is placed by its own hash alone, as it always was', async () => {
  const at = room();
  at.write('data.csv', csv(rows(0, 300)));
  const place = await placeOf(at, { split: { test: 0.3, validation: 0.2, seed: 4 } });
  expect(place.size).toBe(300);
  for (const [id, split] of place) expect(split).toBe(splitOf(id, { test: 0.3, validation: 0.2, seed: 4 }));
});

test('stratified splits have the exact share of every class, to the row', async () => {
  const at = room();
  const lines = skewed();
  at.write('data.csv', csv(lines));
  const place = await placeOf(at, { split: { stratify: true } });
  const label = classesOf(lines);
  const total = new Map<string, number>();
  for (const name of label.values()) total.set(name, (total.get(name) ?? 0) + 1);
  expect([...total.values()].every((count) => count >= 20)).toBe(true);
  for (const [name, count] of total) {
    const inSplit = (split: string): number => [...place].filter(([id, its]) => its === split && label.get(id) === name).length;
    expect({ test: inSplit('test'), validation: inSplit('validation'), train: inSplit('train') }).toEqual(
      exactShares(count, { test: 0.2, validation: 0.1, train: 0.7 }),
    );
  }
});

test('a stratified split depends on the data and the seed, not on the order of the rows', async () => {
  const at = room();
  const lines = skewed();
  at.write('data.csv', csv(lines));
  at.write('reversed.csv', csv([...lines].reverse()));
  const split = { stratify: true, seed: 3 };
  const place = await placeOf(at, { split });
  expect(await placeOf(at, { split, source: 'reversed.csv' })).toEqual(place);
  expect(await placeOf(at, { split: { ...split, seed: 4 } })).not.toEqual(place);
});

test('a stratified split keeps units whole, and a unit of several classes counts for its commonest', async () => {
  const at = room();
  // Units u0 to u29 are mostly "yes", u30 to u89 mostly "no"; each has one row of the other class.
  const lines = Array.from({ length: 900 }, (_, i) => {
    const unit = Math.floor(i / 10);
    const own = unit < 30 ? 'yes' : 'no';
    return `${i},${i % 10 === 9 ? (own === 'yes' ? 'no' : 'yes') : own},${i},u${unit}`;
  });
  at.write('data.csv', `id,label,x,user\n${lines.join('\n')}\n`);
  const splits = await at.splits({ unit: 'user', split: { stratify: true } });
  const homes = new Map<string, Set<string>>();
  for (const [split, members] of Object.entries(splits))
    for (const { unit } of members) homes.set(String(unit), (homes.get(String(unit)) ?? new Set()).add(split));
  expect(homes.size).toBe(90);
  expect([...homes.values()].every((set) => set.size === 1)).toBe(true);
  const tested = [...homes].filter(([, set]) => set.has('test')).map(([unit]) => Number(unit.slice(1)));
  expect([tested.filter((unit) => unit < 30).length, tested.filter((unit) => unit >= 30).length]).toEqual([6, 12]);
});

test('exact shares are whole, sum to the count and are less than one away from the share', () => {
  for (let count = 0; count < 300; count++)
    for (const [test, validation] of [
      [0.2, 0.1],
      [1 / 3, 0],
      [0.15, 0.15],
    ] as const) {
      const shares = { train: 1 - test - validation, validation, test };
      const taken = exactShares(count, shares);
      expect(taken.train + taken.validation + taken.test).toBe(count);
      for (const split of ['train', 'validation', 'test'] as const) {
        expect(Number.isInteger(taken[split])).toBe(true);
        expect(Math.abs(taken[split] - shares[split] * count)).toBeLessThan(1);
      }
    }
});

describe('by time', () => {
  const timed = (at: Room, times: string[]): void =>
    at.write('data.csv', `id,label,x,when\n${times.map((time, i) => `r${i},${i % 2},${i},${time}`).join('\n')}\n`);
  const days = Array.from({ length: 31 }, (_, i) => `2024-05-${String(i + 1).padStart(2, '0')}`);

  test('rows before a time are for training, from it on for the test, and shares are not declared', async () => {
    const at = room();
    timed(at, days);
    const place = await placeOf(at, { split: { time: 'when', before: '2024-05-25', validationFrom: '2024-05-20' } });
    expect([...place].filter(([, split]) => split === 'train').map(([id]) => id)).toHaveLength(19);
    expect(place.get('r18')).toBe('train');
    expect(place.get('r19')).toBe('validation');
    expect(place.get('r23')).toBe('validation');
    expect(place.get('r24')).toBe('test');
    const { snapshot } = await at.snapshot({ split: { time: 'when', before: '2024-05-25' } });
    expect(snapshot.shares).toBeNull();
    expect(snapshot.units).toEqual({ train: 24, validation: 0, test: 7 });
  });

  test('zones count, and a time without one is UTC', async () => {
    const at = room();
    timed(at, [
      '2024-05-01T23:30:00Z',
      '2024-05-02T01:30:00+02:00',
      '2024-05-02T00:30:00+02:00',
      '2024-05-02 00:00',
      '2024-05-02',
      '2024-05-01',
    ]);
    const place = await placeOf(at, { split: { time: 'when', before: '2024-05-01T23:30' } });
    expect([...place].filter(([, split]) => split === 'test').map(([id]) => id)).toEqual(['r0', 'r1', 'r3', 'r4']);
  });

  test('numbers are compared as numbers', async () => {
    const at = room();
    timed(
      at,
      Array.from({ length: 20 }, (_, i) => String(i * 100)),
    );
    const { train } = await at.splits({ split: { time: 'when', before: '900' } });
    expect(train.map(({ id }) => id)).toEqual(['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8']);
  });

  test('a typed column of a Parquet file is read to the microsecond', async () => {
    const at = room();
    await parquet(
      join(at.root, 'data.parquet'),
      `SELECT range AS id, 'c' || (range % 2) AS label, range * 0.5 AS x, TIMESTAMP '2024-01-01' + to_microseconds(range) AS at FROM range(100)`,
    );
    const split = { time: 'at', before: '2024-01-01T00:00:00.000080Z' };
    const { train, test: tested } = await at.splits({ source: 'data.parquet', split });
    expect([train.length, tested.length]).toEqual([80, 20]);
  });

  test('a value that is no time is refused with its line', async () => {
    const at = room();
    timed(at, ['2024-05-01', 'yesterday', '2024-05-03']);
    await expect(at.snapshot({ split: { time: 'when', before: '2024-05-02' } })).rejects.toMatchObject({
      type: 'DataInvalid',
      message:
        'data.csv, line 3, column "when" (data.split.time): expected a date or a time as ISO 8601 writes it, such as 2024-05-31 or 2024-05-31T08:00:00Z, got "yesterday". Correct the value, or remove the row.',
    });
    timed(at, ['1', '2', '']);
    await expect(at.snapshot({ split: { time: 'when', before: '2' } })).rejects.toThrow(
      'data.csv, line 4, column "when" (data.split.time): expected a number, as data.split.before is (2), got no value.',
    );
  });

  test('a column that is not there, and a time after all rows, are named', async () => {
    const at = room();
    timed(at, days);
    await expect(at.snapshot({ split: { time: 'wen', before: '2024-05-25' } })).rejects.toThrow(
      'data.csv has no column "wen" (data.split.time); did you mean "when"?',
    );
    await expect(at.snapshot({ split: { time: 'when', before: '2025-01-01' } })).rejects.toThrow(
      'data.csv: the test split is empty. "when" runs from 2024-05-01 to 2024-05-31, data.split.before is 2025-01-01: move them into that range.',
    );
  });

  test('a folder of files has no times to split by', async () => {
    const at = room();
    for (let i = 0; i < 8; i++) at.write(`files/${i % 2}/${i}.txt`, `text ${i}`);
    await expect(at.snapshot({ source: 'files', id: undefined, split: { time: 'when', before: '2024-05-25' } })).rejects.toThrow(
      'files is a folder of files, which have no column "when" (data.split.time). Split it by fractions or by files.',
    );
  });

  test('the spec is refused where its times are none, or in the wrong order', () => {
    const problems = (split: Record<string, unknown>): string[] => {
      const spec = ExperimentSpec.parse({
        name: 'test',
        data: { source: 'data.csv', split: { time: 'when', ...split } },
        training: { command: ['true'], budget: { epochs: 1 } },
        variants: [{ name: 'a', control: true }, { name: 'b' }],
      });
      return contradictionsIn(spec, () => false).map(({ path, message }) => `${path.join('.')}: ${message}`);
    };
    expect(problems({ before: '2024-05-25', validationFrom: '2024-05-20T08:00:00+02:00' })).toEqual([]);
    expect(problems({ before: '7', validationFrom: '3' })).toEqual([]);
    expect(problems({ before: 'May' })).toEqual([
      'data.split.before: expected a date or a time such as 2024-05-31 or "2024-05-31T08:00:00Z", or a number, got "May"',
    ]);
    expect(problems({ before: '2024-05-20', validationFrom: '2024-05-20' })).toEqual([
      'data.split.validationFrom: expected a time before data.split.before, 2024-05-20, got "2024-05-20"',
    ]);
    expect(problems({ before: '2024-05-20', validationFrom: '3' })).toHaveLength(1);
  });
});

test.each([
  ['2024-05-31', Date.UTC(2024, 4, 31) * 1000],
  ['2024-05-31T08:00:00.000001Z', Date.UTC(2024, 4, 31, 8) * 1000 + 1],
  ['2024-05-31 10:00:00+0200', Date.UTC(2024, 4, 31, 8) * 1000],
  ['2024-05-31 07:30-00:30', Date.UTC(2024, 4, 31, 8) * 1000],
  ['2024-02-30', null],
  ['31.05.2024', null],
  ['2024-05', null],
  ['', null],
])('%s is read as a moment, or refused', (text, microseconds) => {
  expect(momentOf(text)).toEqual(microseconds === null ? null : { kind: 'instant', value: microseconds });
});
