// Proves: on real data the changes that are known are found, and random halves of the same data are not told apart.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { driftFindings } from '../../src/checks';
import type { TableProfile } from '../../src/contract';
import { profileCategories, profileFile, profileNumbers } from '../../src/data/profile';
import { Generator } from '../../src/stats';

const folder = mkdtempSync(join(tmpdir(), 'assay-drift-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Recorded {
  header: string;
  rows: string[];
}

const recorded = (name: string): Recorded => {
  const [header = '', ...rows] = readFileSync(join(__dirname, '..', 'reference', 'drifting', `${name}.csv`), 'utf8')
    .trimEnd()
    .split('\n');
  return { header, rows };
};

const profiled = async (header: string, rows: string[]): Promise<TableProfile> => {
  const path = join(folder, 'data.csv');
  writeFileSync(path, `${[header, ...rows].join('\n')}\n`);
  return (await profileFile({ path, format: 'csv', name: 'data.csv', workDir: folder })).profile;
};

const limits = { alpha: 0.01, minEffect: 0.05 };

/** Columns that are an alarm between the rows that belong to the reference and the others. */
const alarms = async ({ header, rows }: Recorded, isReference: (row: string, index: number) => boolean): Promise<string[]> => {
  const before = await profiled(header, rows.filter(isReference));
  const now = await profiled(
    header,
    rows.filter((row, index) => !isReference(row, index)),
  );
  return driftFindings(before, now, limits).flatMap(({ column, alarm }) => (alarm ? [column] : []));
};

test('polls before and after 2018 differ in their date, in the approval and in every poll', async () => {
  const found = await alarms(recorded('approval'), (row) => row < '2018');
  expect([...new Set(found)].sort()).toEqual(['approval', 'date', 'gallup', 'ipsos', 'morning_consult', 'rasmussen', 'you_gov']);
});

test('the water used by night is not that of the day', async () => {
  const found = await alarms(recorded('flow'), (row) => Number(row.slice(11, 13)) < 6);
  expect(found).toContain('flow');
});

test('malignant and benign tumours differ in every measurement but the fractal dimension', async () => {
  const tumours = recorded('tumours');
  const measured = tumours.header.split(',').slice(1);
  const found = await alarms(tumours, (row) => row.startsWith('malignant'));
  expect(found).toEqual(expect.arrayContaining(['diagnosis', 'mean_radius', 'mean_area', 'mean_concavity']));
  expect(measured.filter((name) => !found.includes(name))).toEqual(['mean_fractal_dimension']);
});

test('wine of the first cultivar is not that of the others', async () => {
  const found = await alarms(recorded('wine'), (row) => row.startsWith('cultivar 0'));
  expect(found).toEqual(expect.arrayContaining(['cultivar', 'alcohol', 'proline', 'flavanoids']));
});

test('random halves of each, fifty times, are told apart no more often than alpha allows', () => {
  const generator = new Generator(11);
  let told = 0;
  for (const name of ['approval', 'flow', 'tumours', 'wine']) {
    const { header, rows } = recorded(name);
    const titles = header.split(',');
    const cells = rows.map((row) => row.split(','));
    const side = (chosen: string[][]) => ({
      rows: chosen.length,
      columns: titles.map((title, i) => {
        const values = chosen.map((row) => row[i]!);
        return values.some((value) => Number.isNaN(Number(value)))
          ? profileCategories(title, values)
          : profileNumbers(title, Float64Array.from(values, Number));
      }),
    });
    for (let i = 0; i < 50; i++) {
      const halves: [string[][], string[][]] = [[], []];
      for (const row of cells) halves[generator.below(2)]!.push(row);
      if (driftFindings(side(halves[0]), side(halves[1]), limits).some(({ alarm }) => alarm)) told++;
    }
  }
  // 200 comparisons at 1 %: 6 or fewer with a probability of 0.995.
  expect(told).toBeLessThanOrEqual(6);
});
