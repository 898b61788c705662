// Findings come from profiles; the rows that show them and the time when they began come from the rows themselves.
import { columnsToLocate, driftFindings, locate } from '../../src/checks';
import { profileCategories, profileNumbers } from '../../src/data/profile';
import { Generator } from '../../src/stats';

const rows = 2000;
const times = Array.from({ length: rows }, (_, i) => new Date(Date.UTC(2026, 0, 1) + i * 3_600_000).toISOString());

function table(seed: number, shiftFrom = Infinity): { numbers: Float64Array; colours: string[] } {
  const random = new Generator(seed);
  const numbers = Float64Array.from(
    { length: rows },
    (_, i) => random.uniform() + random.uniform() + random.uniform() + (i >= shiftFrom ? 2 : 0),
  );
  const colours = Array.from({ length: rows }, (_, i) => (i >= shiftFrom && i % 4 === 0 ? 'violet' : i % 2 === 0 ? 'red' : 'blue'));
  return { numbers, colours };
}

const sample = ({ numbers, colours }: ReturnType<typeof table>) => ({
  columns: [
    { name: 'x', kind: 'number' as const, values: numbers },
    { name: 'colour', kind: 'category' as const, values: colours },
  ],
  ids: Array.from({ length: rows }, (_, i) => `r${i}`),
});

const side = ({ numbers, colours }: ReturnType<typeof table>) => ({
  rows,
  columns: [profileNumbers('x', numbers), profileCategories('colour', colours)],
});

const [before, now] = [table(1), table(2, 1200)];
const found = driftFindings(side(before), side(now), { alpha: 0.01, minEffect: 0.05 });

test('the columns to look at are those with an alarm that rows can show', () => {
  expect(columnsToLocate(found).sort()).toEqual(['colour', 'x']);
  expect(columnsToLocate(driftFindings(side(before), side(table(3)), { alpha: 0.01, minEffect: 0.05 }))).toEqual([]);
});

test('the rows named are such as there are more of now', () => {
  const { findings, stream } = locate(found, { current: sample(now) });
  expect(stream).toEqual([]);
  const violet = findings.find(({ column, what }) => column === 'colour' && what === 'new-category');
  expect(violet?.where?.rows).toEqual(['r1200', 'r1204', 'r1208', 'r1212', 'r1216']);
  const x = findings.find(({ column }) => column === 'x');
  for (const id of x?.where?.rows ?? ['none']) expect(now.numbers[Number(id.slice(1))]).toBeGreaterThan(2.5);
  expect(findings.every(({ since }) => since === null)).toBe(true);
});

test('rows in order of time say since when, within the window in which it began', () => {
  const { findings, stream } = locate(found, { current: { ...sample(now), times }, reference: sample(before) });
  const [x] = stream;
  expect(x?.column).toBe('x');
  expect(x?.began?.fromRow).toBeLessThanOrEqual(1200);
  expect(x?.began?.toRow).toBeGreaterThanOrEqual(1190);
  expect(findings.find(({ column, alarm }) => column === 'x' && alarm)?.since).toBe(x?.began?.fromTime);
});

test('what is no alarm is left as it was', () => {
  const calm = driftFindings(side(before), side(table(4)), { alpha: 0.01, minEffect: 0.05 });
  expect(locate(calm, { current: { ...sample(now), times }, reference: sample(before) })).toEqual({ findings: calm, stream: [] });
});
