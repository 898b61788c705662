// Proves: `assay compare` reads what the export writes and what NumPy and tables hold, gives the analysis' own numbers, and names what is wrong.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { analyse, type AnalysisInput, type AnalysisRun } from '../../src/analysis';
import { runCompare } from '../../src/cli/compare/compare';
import { writeNpy } from '../../src/data/npy';
import { experiment } from '../analysis/simulate';

const folder = mkdtempSync(join(tmpdir(), 'compare-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const metrics = ['accuracy', 'f1_macro', 'auc_ovr', 'log_loss'];
const arms = [{ name: 'mlp' }, { name: 'cnn', skill: 0.8 }];
const single = experiment({ seed: 1, seeds: [1], arms, plan: { metrics } });
const five = experiment({ seed: 2, arms, plan: { metrics } });

describe('folders of an export', () => {
  test('give the numbers of the experiment itself, over seeds', async () => {
    const inputs = writeExport(join(folder, 'five'), five);
    const { result } = await runCompare({ inputs, metrics, resamples: 2000 });
    const expected = analyse(five);
    expect(result.comparisons).toEqual(expected.comparisons);
    expect(result.verdict).toEqual(expected.verdict);
    expect(result.plan.question).toBe('algorithm');
  });

  test('give the numbers of the experiment itself, of one model each', async () => {
    const inputs = writeExport(join(folder, 'single'), single).map((path) => join(path, 'seed-1', 'predictions'));
    const { result } = await runCompare({ inputs, metrics, resamples: 2000 });
    expect(result.comparisons).toEqual(analyse(single).comparisons);
    expect(result.variants.map((variant) => variant.name)).toEqual(['mlp', 'cnn']);
  });

  test('are told apart on the terminal with the verdict first', async () => {
    const inputs = writeExport(join(folder, 'text'), five);
    const { text } = await runCompare({ inputs, resamples: 2000 });
    expect(text.split('\n')[0]).toMatch(/^cnn is better than mlp: .*; adopt$/);
    expect(text).toMatch(/^metric +mlp +cnn +difference +95 % interval +p$/m);
    expect(text).toMatch(/300 test rows, 5 seeds; question: algorithm; rule: superiority\./);
  });

  test('a single model stands for every seed of the other side', async () => {
    const [mlp, cnn] = writeExport(join(folder, 'mixed'), five) as [string, string];
    const { result } = await runCompare({ inputs: [mlp, join(cnn, 'seed-3')], resamples: 2000 });
    expect(result.plan).toMatchObject({ question: 'artifact', seeds: [1, 2, 3, 4, 5] });
    expect(result.comparisons[0]?.difference).not.toBeNull();
  });

  test('a seed that one side lacks caps the verdict', async () => {
    const inputs = writeExport(
      join(folder, 'lacking'),
      experiment({ seed: 3, arms: [{ name: 'mlp' }, { name: 'cnn', skill: 2 }], seeds: [1, 2, 3, 4, 5, 6] }),
    );
    rmSync(join(inputs[1] as string, 'seed-4'), { recursive: true });
    const { result } = await runCompare({ inputs, resamples: 2000 });
    expect(result.verdict.outcome).toBe('inconclusive');
    expect(result.verdict.sentence).toMatch(/cnn: 1 of 6/);
  });
});

describe('other forms', () => {
  const [mlp, cnn] = single.variants.map((variant) => variant.runs[0] as AnalysisRun) as [AnalysisRun, AnalysisRun];
  const numbers = async (inputs: string[], extra = {}): Promise<unknown> =>
    (await runCompare({ inputs, metrics, resamples: 2000, ...extra })).result.comparisons.map(
      ({ metric, difference, low, high, pValue }) => ({ metric, difference, low, high, pValue }),
    );
  let expected: unknown;
  beforeAll(async () => {
    expected = await numbers(writeExport(join(folder, 'forms'), single).map((path) => join(path, 'seed-1')));
  });

  test.each(['stored', 'deflated'] as const)('an .npz with %s arrays gives the same numbers', async (packing) => {
    const inputs = [mlp, cnn].map((run, i) => {
      const path = join(folder, `${packing}-${i}.npz`);
      writeFileSync(path, zip(arraysOf(single, run), packing));
      return path;
    });
    expect(await numbers(inputs)).toEqual(expected);
  });

  test('a CSV and a Parquet file in other row and column orders give the same numbers', async () => {
    const csv = join(folder, 'a.csv');
    const parquet = join(folder, 'b.parquet');
    writeFileSync(csv, csvOf(single, mlp, [0, 1, 2]));
    writeFileSync(join(folder, 'b.csv'), csvOf(single, cnn, [2, 0, 1], true));
    await sql(`COPY (SELECT * FROM read_csv('${join(folder, 'b.csv')}')) TO '${parquet}' (FORMAT parquet)`);
    expect(await numbers([csv, parquet])).toEqual(expected);
  });

  test('labels and units may come from tables of their own', async () => {
    const inputs = writeExport(join(folder, 'bare'), single);
    for (const path of inputs) rmSync(join(path, 'seed-1', 'predictions', 'labels.npy'));
    const labels = join(folder, 'labels.csv');
    writeFileSync(labels, ['id,label', ...single.ids.map((id, row) => `${id},${single.labels[row]}`)].join('\n'));
    expect(await numbers(inputs, { labels })).toEqual(expected);
    const units = join(folder, 'units.csv');
    writeFileSync(units, ['id,unit', ...single.ids.map((id, row) => `${id},user-${row % 60}`)].join('\n'));
    const { result } = await runCompare({ inputs, labels, unit: units, resamples: 2000 });
    expect(result.comparisons[0]?.notes.join(' ')).toMatch(/60 units; units are resampled/);
  });

  test('without labels anywhere the message says how to give them', async () => {
    const inputs = writeExport(join(folder, 'unlabelled'), single);
    for (const path of inputs) rmSync(join(path, 'seed-1', 'predictions', 'labels.npy'));
    await expect(runCompare({ inputs })).rejects.toThrow(/has no labels; add them, or give a table of id and label with --labels/);
  });
});

describe('what is wrong', () => {
  const broken = async (name: string, change: (run: AnalysisRun, input: AnalysisInput) => AnalysisInput): Promise<unknown> => {
    const inputs = writeExport(join(folder, name), single);
    const other = writeExport(join(folder, `${name}-other`), change(single.variants[1]?.runs[0] as AnalysisRun, single));
    return runCompare({ inputs: [inputs[0] as string, other[1] as string] }).catch((error: Error) => error);
  };

  test('ids that one side lacks are counted and the first five named', async () => {
    const error = await broken('missing', (_, input) => firstRows(input, 290));
    expect(error).toMatchObject({ type: 'PredictionsInvalid' });
    expect((error as Error).message).toMatch(/10 ids of .* missing: row-290, row-291, row-292, row-293, row-294, \.\.\.$/);
  });

  test('labels that disagree are counted', async () => {
    const error = await broken('labels', (_, input) => ({
      ...input,
      labels: input.labels.map((label, row) => (row < 2 ? (label + 1) % 3 : label)),
    }));
    expect((error as Error).message).toMatch(/labels of 2 ids disagree with .*: row-0, row-1$/);
  });

  test('another number of classes is named on both sides', async () => {
    const [control] = writeExport(join(folder, 'three'), single) as [string];
    const [, other] = writeExport(join(folder, 'two'), experiment({ seed: 1, seeds: [1], classes: 2 })) as [string, string];
    await expect(runCompare({ inputs: [control, other] })).rejects.toThrow(/2 classes, but .* has 3/);
  });

  test.each([
    ['a folder of something else', () => [folder, folder], /not a predictions folder; expected ids\.npy, labels\.npy and scores\.npy/],
    ['a path that is not there', () => [join(folder, 'nowhere'), folder], /no such file or folder/],
    [
      'a file of another kind',
      () => [__filename, folder],
      /expected a predictions folder, \.npz, \.npy, \.csv, \.parquet or \.jsonl, got "\.ts"/,
    ],
    ['one input alone', () => [folder], /expected two or more inputs, the control first, got 1/],
  ])('%s', async (_, inputs, message) => {
    await expect(runCompare({ inputs: inputs() })).rejects.toThrow(message);
  });

  test('metrics that no prediction holds are refused by name', async () => {
    const inputs = writeExport(join(folder, 'metric'), single);
    await expect(runCompare({ inputs, metrics: ['latency_p95'] })).rejects.toThrow(/"latency_p95" is measured by an experiment/);
    await expect(runCompare({ inputs, metrics: ['acuracy'] })).rejects.toThrow(
      /"acuracy" is unknown; from predictions there are accuracy, /,
    );
    await expect(runCompare({ inputs, test: 'equivalence' })).rejects.toThrow(/equivalence needs a margin/);
    await expect(runCompare({ inputs, margin: '-1' })).rejects.toThrow(/margin "-1"/);
  });
});

/** As `assay export` lays it out; the folders of the variants. */
function writeExport(root: string, input: AnalysisInput): string[] {
  return input.variants.map((variant) => {
    for (const run of variant.runs) {
      const place = join(root, 'runs', variant.name, `seed-${run.seed}`, 'predictions');
      mkdirSync(place, { recursive: true });
      for (const [name, bytes] of arraysOf(input, run)) writeFileSync(join(place, name), bytes);
    }
    return join(root, 'runs', variant.name);
  });
}

function arraysOf(input: AnalysisInput, run: AnalysisRun): [string, Buffer][] {
  const rows = input.ids.length;
  return [
    ['ids.npy', writeNpy({ shape: [rows], data: input.ids })],
    ['labels.npy', writeNpy({ shape: [rows], data: input.labels })],
    ['scores.npy', writeNpy({ shape: [rows, input.classes.length], data: run.scores as Float64Array })],
  ];
}

function csvOf(input: AnalysisInput, run: AnalysisRun, columns: number[], backwards = false): string {
  const k = input.classes.length;
  const scores = run.scores as Float64Array;
  const lines = input.ids.map((id, row) =>
    [id, input.classes[input.labels[row] as number], ...columns.map((code) => scores[row * k + code])].join(','),
  );
  return [['id', 'label', ...columns.map((code) => input.classes[code])].join(','), ...(backwards ? lines.reverse() : lines)].join('\n');
}

function firstRows(input: AnalysisInput, rows: number): AnalysisInput {
  return {
    ...input,
    ids: input.ids.slice(0, rows),
    labels: input.labels.slice(0, rows),
    variants: input.variants.map((variant) => ({
      ...variant,
      runs: variant.runs.map((run) => ({ ...run, scores: (run.scores as Float64Array).slice(0, rows * input.classes.length) })),
    })),
  };
}

async function sql(text: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(text);
  connection.closeSync();
  instance.closeSync();
}

/** A zip archive without checksums, which readers of arrays do not ask for. */
function zip(entries: [string, Buffer][], packing: 'stored' | 'deflated'): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, bytes] of entries) {
    const packed = packing === 'stored' ? bytes : deflateRawSync(bytes);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(packing === 'stored' ? 0 : 8, 10);
    central.writeUInt32LE(packed.length, 20);
    central.writeUInt32LE(bytes.length, 24);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt32LE(offset, 42);
    parts.push(local, Buffer.from(name), packed);
    directory.push(central, Buffer.from(name));
    offset += 30 + name.length + packed.length;
  }
  const listing = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(listing.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, listing, end]);
}
