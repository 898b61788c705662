// Proves: the same predictions give `assay compare` the same numbers in every form they come in, rows are paired by id or openly by order, and each
// fault of a file is named with its place.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CompareResult, runCompare } from '../../src/cli/compare/compare';
import type { CompareOptions } from '../../src/cli/compare/input';
import { writeNpy } from '../../src/contract/npy';
import { uniform } from '../analysis/simulate';
import { desk } from './assay';

const folder = mkdtempSync(join(tmpdir(), 'compare-files-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rows = 200;
const names = ['cat', 'dog', 'eel'];
const { labels, a, b } = models();
const ids = labels.map((_, row) => `${String((row * 7) % rows).padStart(3, '0')}`);
const quick = { resamples: 1000, metrics: ['accuracy', 'log_loss'] };
const ofClasses = { resamples: 1000, metrics: ['accuracy', 'f1_macro'] };

const file = (name: string): string => join(folder, name);
const write = (name: string, content: string | Uint8Array): string => {
  writeFileSync(file(name), content);
  return file(name);
};
const lines = (name: string, header: string, line: (row: number) => string, count = rows): string =>
  write(name, `${[header, ...Array.from({ length: count }, (_, row) => line(row))].join('\n')}\n`);
const scored = (name: string, scores: Float64Array, order = [0, 1, 2]): string =>
  lines(name, `id,label,${order.map((c) => `score_${names[c]}`).join(',')}`, (row) =>
    [ids[row], names[labels[row]!], ...order.map((c) => scores[row * 3 + c])].join(','),
  );
const npy = (name: string, values: Parameters<typeof writeNpy>[0], shape?: number[]): string => write(name, writeNpy(values, shape));
const compared = async (inputs: string[], options: Partial<CompareOptions> = {}): Promise<CompareResult> =>
  (await runCompare({ inputs, ...quick, ...options })).result;
const numbers = ({ comparisons }: CompareResult): unknown =>
  comparisons.map(({ metric, difference, low, high, pValue }) => ({ metric, difference, low, high, pValue }));
const refused = (inputs: string[], options: Partial<CompareOptions> = {}): Promise<Error> =>
  runCompare({ inputs, ...quick, ...options }).then(
    () => new Error('was not refused'),
    (error: Error) => error,
  );

const csv = { a: scored('a.csv', a), b: scored('b.csv', b, [2, 0, 1]) };
const top = (scores: Float64Array): number[] => labels.map((_, row) => best(scores, row));
let expected: unknown;
beforeAll(async () => {
  expected = numbers(await compared([csv.a, csv.b]));
});

describe('scores', () => {
  const arrays = { a: npy('a.npy', a, [rows, 3]), b: npy('b.npy', b, [rows, 3]), y: npy('y.npy', Int32Array.from(labels)) };
  const named = npy(
    'ids.npy',
    ids.map((id) => id),
  );

  test('of two .npy and their labels are paired by ids that are given', async () => {
    const result = await compared([arrays.a, arrays.b], { labels: arrays.y, ids: named, classes: names });
    expect(result.pairedBy).toBe('id');
    expect(result.classes).toEqual(names);
    expect(numbers(result)).toEqual(expected);
  });

  test('of two .npy without ids are paired by order, and the text says so', async () => {
    const { result, text } = await runCompare({ inputs: [arrays.a, arrays.b], labels: arrays.y, ...quick });
    expect(result.pairedBy).toBe('order');
    expect(result.comparisons[0]).toMatchObject({ difference: (expected as { difference: number }[])[0]?.difference });
    expect(text).toMatch(/No input has ids: rows are paired by their order/);
  });

  test('of an array in Fortran order are read as they were meant', async () => {
    const turned = new Float64Array(b.length);
    for (let row = 0; row < rows; row++) for (let c = 0; c < 3; c++) turned[c * rows + row] = b[row * 3 + c]!;
    const bytes = Buffer.from(writeNpy(turned, [rows, 3]));
    bytes.write("'fortran_order': True, ", bytes.indexOf("'fortran_order': False,"));
    const fortran = write('fortran.npy', bytes);
    expect(numbers(await compared([arrays.a, fortran], { labels: arrays.y, ids: named }))).toEqual(expected);
  });

  test('of arrays with labels of text stand for the sorted classes, as scikit-learn has them, with a note', async () => {
    const texts = npy(
      'names.npy',
      labels.map((label) => names[label]!),
    );
    const result = await compared([arrays.a, arrays.b], { labels: texts, ids: named });
    expect(numbers(result)).toEqual(expected);
    expect(result.notes.join(' ')).toMatch(/taken as the classes in sorted order: cat, dog, eel/);
  });

  test('of lines of JSON are read as those of a table', async () => {
    const jsonl = write(
      'b.jsonl',
      ids
        .map((id, row) =>
          JSON.stringify({ id, label: names[labels[row]!], score_cat: b[row * 3], score_dog: b[row * 3 + 1], score_eel: b[row * 3 + 2] }),
        )
        .join('\n'),
    );
    expect(numbers(await compared([csv.a, jsonl]))).toEqual(expected);
  });

  test('of class 1 alone are those of both classes', async () => {
    const yes = (scores: Float64Array): Float64Array => Float64Array.from(labels, (_, row) => scores[row * 3]!);
    const y = npy(
      'cat.npy',
      labels.map((label) => (label === 0 ? 'is' : 'a cat')),
    );
    const vectors = [npy('a1.npy', yes(a)), npy('b1.npy', yes(b))];
    const tables = [a, b].map((scores, i) =>
      lines(`one${i}.csv`, 'y_true,score_is', (row) => `${labels[row] === 0 ? 'is' : 'a cat'},${scores[row * 3]}`),
    );
    const both = [a, b].map((scores, i) =>
      lines(`both${i}.csv`, 'y_true,a cat,is', (row) => `${labels[row] === 0 ? 'is' : 'a cat'},${1 - scores[row * 3]!},${scores[row * 3]}`),
    );
    const of = { metrics: ['accuracy', 'auc_ovr'] };
    const wanted = await compared(both, of);
    expect(wanted.classes).toEqual(['a cat', 'is']);
    expect(numbers(await compared(vectors, { ...of, labels: y }))).toEqual(numbers(wanted));
    expect(numbers(await compared(tables, of))).toEqual(numbers(wanted));
  });

  test('that were rounded are divided by their sum, and a note says in how many rows', async () => {
    const cut = Float64Array.from(b, (value) => Math.round(value * 1000) / 1000 - 0.0007);
    const result = await compared([csv.a, scored('rounded.csv', cut)]);
    expect(result.notes.join(' ')).toMatch(/the scores of \d+ rows sum to 1 only within 0\.01/);
  });

  test('beside predictions that a threshold made are said to count', async () => {
    const threshold = lines('threshold.csv', 'id,label,prediction,cat,dog,eel', (row) =>
      [ids[row], names[labels[row]!], 'cat', ...[0, 1, 2].map((c) => a[row * 3 + c])].join(','),
    );
    const { notes } = await compared([threshold, csv.b]);
    expect(notes.join(' ')).toMatch(/in \d+ rows the column of predictions is not the class of the largest score/);
  });
});

describe('predicted classes', () => {
  let wanted: CompareResult;
  beforeAll(async () => {
    wanted = await compared([csv.a, csv.b], ofClasses);
  });
  const byName = (scores: Float64Array): string[] => top(scores).map((c) => names[c]!);

  test('in a column of a table, as numbers or as text in an array, give the numbers of their scores', async () => {
    const tables = [a, b].map((scores, i) => {
      const predicted = byName(scores);
      return lines(`classes${i}.csv`, 'id,label,age,prediction', (row) => `${ids[row]},${names[labels[row]!]},${row},${predicted[row]}`);
    });
    expect(numbers(await compared(tables, ofClasses))).toEqual(numbers(wanted));
    const y = npy('y2.npy', Int32Array.from(labels));
    const given = lines('ids.csv', 'id', (row) => ids[row]!);
    const codes = [a, b].map((scores, i) => npy(`codes${i}.npy`, BigInt64Array.from(top(scores), BigInt)));
    const ofArrays = await compared(codes, { ...ofClasses, labels: y, ids: given });
    expect(numbers(ofArrays)).toEqual(numbers(wanted));
    const texts = [a, b].map((scores, i) => npy(`texts${i}.npy`, byName(scores)));
    const single = lines('y.csv', 'truth', (row) => names[labels[row]!]!);
    expect(numbers(await compared(texts, { ...ofClasses, labels: single, ids: given }))).toEqual(numbers(wanted));
  });

  test('have no AUC: the default leaves it out and says so, and who asks for it is refused', async () => {
    const inputs = [npy('top-a.npy', byName(a)), npy('top-b.npy', byName(b))];
    const y = npy(
      'top-y.npy',
      labels.map((label) => names[label]!),
    );
    const { result, text } = await runCompare({ inputs, labels: y, resamples: 1000 });
    expect(result.comparisons.map(({ metric }) => metric)).toEqual(['accuracy', 'f1_macro', 'recall_macro']);
    expect(text).toMatch(
      /top-a\.npy holds predicted classes without scores: metrics of scores \(AUC, log loss, calibration\) cannot be had/,
    );
    const error = await refused(inputs, { labels: y, metrics: ['auc_ovr'] });
    expect(error).toMatchObject({ type: 'SpecInvalid' });
    expect(error.message).toMatch(/"auc_ovr" needs a score for each class, and .*top-a\.npy holds predicted classes alone/);
  });
});

describe('sides', () => {
  test('are named and made of several seeds with name=path,path', async () => {
    const result = await compared([`linear=${csv.a},${csv.b}`, `forest=${csv.b},${csv.a}`]);
    expect(result.inputs).toEqual([
      { name: 'linear', files: [csv.a, csv.b], seeds: [1, 2] },
      { name: 'forest', files: [csv.b, csv.a], seeds: [1, 2] },
    ]);
    expect(result.comparisons[0]?.difference).toBeCloseTo(0, 12);
    expect(result.plan).toMatchObject({ question: 'artifact', seeds: [1, 2] });
  });

  test('of five seeds are asked about the algorithm, of fewer they cannot be', async () => {
    const many = (path: string): string => Array.from({ length: 5 }, () => path).join(',');
    expect((await compared([`x=${many(csv.a)}`, `y=${many(csv.b)}`])).plan.question).toBe('algorithm');
    expect((await compared([`x=${many(csv.a)}`, `y=${many(csv.b)}`], { question: 'artifact' })).plan.question).toBe('artifact');
    const error = await refused([csv.a, csv.b], { question: 'algorithm' });
    expect(error.message).toMatch(/needs 5 seeds of each side, got 1 seed/);
  });

  test('without a seed in common are refused', async () => {
    const under = (side: string, seeds: number[]): string => {
      for (const seed of seeds) {
        const place = join(folder, side, `seed-${seed}`);
        mkdirSync(place, { recursive: true });
        writeFileSync(join(place, 'scores.npy'), writeNpy(a, [rows, 3]));
        writeFileSync(join(place, 'labels.npy'), writeNpy(Int32Array.from(labels)));
      }
      return join(folder, side);
    };
    const [early, late, few] = [under('early', [1, 2, 3, 4, 5]), under('late', [6, 7]), under('few', [4, 5])];
    expect((await refused([early, late])).message).toMatch(/late has the seeds 6, 7, and early 1, 2, 3, 4, 5: runs are paired by seed/);
    expect((await refused([early, few], { question: 'algorithm' })).message).toMatch(/needs 5 seeds of each side, got 2 seeds/);
  });

  test('that are the same file differ by 0 with p = 1, and are told to be the same', async () => {
    const result = await compared([csv.a, csv.a], { metrics: ['accuracy'] });
    expect(result.comparisons[0]).toMatchObject({ difference: 0, low: 0, high: 0, pValue: 1 });
    expect(result.verdict.outcome).toBe('keep');
    expect(result.notes.join(' ')).toMatch(/predicts the same as/);
  });

  test('of one row get no interval and no verdict', async () => {
    const one = lines('one.csv', 'id,label,no,yes', () => 'x,yes,0.2,0.8', 1);
    const { verdict, comparisons } = await compared([one, one]);
    expect(verdict.outcome).toBe('inconclusive');
    expect(comparisons[0]).toMatchObject({ low: null, high: null });
  });
});

describe('columns of the rows', () => {
  const features = lines(
    'features.csv',
    'id,user,site,hour',
    (row) => `${String(row).padStart(3, '0')},u${row % 40},${row % 2 ? 'north' : 'south'},${row % 24}`,
    300,
  );

  test('are found by id for slices, which need not name every row of the table', async () => {
    const { plan, breakdowns } = await compared([csv.a, csv.b], { features, slices: ["north: site = 'north'", 'night: hour < 6'] });
    expect(plan.slices).toEqual([
      { name: 'north', where: "site = 'north'" },
      { name: 'night', where: 'hour < 6' },
    ]);
    expect(breakdowns[0]?.slices.map(({ name, rows: count }) => [name, count])).toEqual([
      ['north', 100],
      ['night', Array.from({ length: rows }, (_, row) => row).filter((row) => row % 24 < 6).length],
    ]);
    expect(breakdowns[0]?.weakSlices?.columns).toEqual(expect.arrayContaining(['site', 'hour']));
  });

  test('give the unit, as a file of units does', async () => {
    const file2 = lines('units.csv', 'id,unit', (row) => `${ids[row]},${Number(ids[row]) % 40}`);
    const byColumn = await compared([csv.a, csv.b], { features, unit: 'user' });
    expect(byColumn.comparisons[0]?.notes.join(' ')).toMatch(/40 units/);
    expect(numbers(byColumn)).toEqual(numbers(await compared([csv.a, csv.b], { unit: file2 })));
  });

  test.each([
    ['a slice without a table', { slices: ['x: hour < 6'] }, /--slice needs --features FILE/],
    ['a slice without a condition', { features, slices: ['night'] }, /--slice "night": expected NAME: CONDITION/],
    ['a condition on a column that is not there', { features, slices: ['x: our < 6'] }, /names no column "our"; did you mean "hour"/],
    [
      'a unit that is neither',
      { features, unit: 'usr' },
      /--unit usr: no such file, and no such column: .*features\.csv has id, user, site, hour/,
    ],
    [
      'one unit for all',
      { unit: lines('same.csv', 'id,unit', (row) => `${ids[row]},1`) },
      /200 rows of one unit; expected two units or more/,
    ],
  ])('%s is refused', async (_, options, message) => {
    expect((await refused([csv.a, csv.b], options)).message).toMatch(message);
  });

  test('that lack a row are refused by its id', async () => {
    const short = lines('short.csv', 'id,hour', (row) => `${ids[row]},1`, rows - 2);
    expect((await refused([csv.a, csv.b], { features: short })).message).toMatch(/short\.csv: 2 ids of .*a\.csv missing: 186, 193$/);
  });
});

describe('guardrails', () => {
  test('are part of the rule', async () => {
    const { plan, comparisons } = await compared([csv.a, csv.b], {
      metrics: ['accuracy'],
      guardrails: ['log_loss:5%', 'recall_macro:0.01'],
    });
    expect(plan.guardrails).toEqual([
      { metric: 'log_loss', limit: 0.05, relative: true },
      { metric: 'recall_macro', limit: 0.01, relative: false },
    ]);
    expect(comparisons.map(({ metric, role }) => [metric, role])).toEqual([
      ['accuracy', 'primary'],
      ['log_loss', 'guardrail'],
      ['recall_macro', 'guardrail'],
    ]);
  });

  test.each([
    ['log_loss', /--guardrail "log_loss": expected METRIC:LIMIT/],
    ['log_loss:many', /guardrail on log_loss "many": expected a number of 0 or more/],
    ['accuracy:1%', /--guardrail accuracy: it is the primary metric/],
    ['latency_p95:5%', /"latency_p95" is measured by an experiment/],
  ])('written as %s are refused', async (guardrail, message) => {
    const error = await refused([csv.a, csv.b], { guardrails: [guardrail] });
    expect(error).toMatchObject({ type: 'SpecInvalid' });
    expect(error.message).toMatch(message);
  });
});

test.each<[string, Partial<CompareOptions>, RegExp]>([
  [
    'a margin beyond what a fraction can differ by',
    { margin: '5' },
    /--margin: accuracy is a fraction and cannot differ by 5; write 0\.05/,
  ],
  ['a margin without end', { margin: '1e999' }, /margin "1e999": expected a number of 0 or more/],
  ['two limits of one metric', { guardrails: ['log_loss:5%', 'log_loss:9%'] }, /--guardrail log_loss is given twice/],
  ['a limit that nothing can break', { guardrails: ['ece:5'] }, /--guardrail ece: ece is a fraction and cannot differ by 5/],
  ['a confidence that is no number', { confidence: Number.NaN }, /--confidence: expected a number from 0\.5 to 0\.999999/],
  ['a seed that two numbers share', { seed: 2 ** 60 }, /--seed 1152921504606847000: expected 0 to 9007199254740991/],
])('%s is refused', async (_, options, message) => {
  expect((await refused([csv.a, csv.b], options)).message).toMatch(message);
});

describe('a ledger of looks', () => {
  const asked = { metrics: ['accuracy'], ledger: join(folder, 'looks.json') };

  test('widens the interval of each look for all there may be, keeps it, and takes the same inputs for the same look', async () => {
    const look = (variant: string): Promise<CompareResult> => compared([`x=${csv.a}`, `y=${variant}`], asked);
    const first = await look(csv.a);
    expect(first.look).toMatchObject({ look: 1, confidence: 1 - 0.3 / Math.PI ** 2 });
    expect(first.look?.sentence).toMatch(/^Look 1: p 1 against its bound 0\.0304 leaves the question open/);
    expect((await look(csv.a)).look?.sentence).toMatch(/^Look 1 once more: the same inputs carry nothing new/);
    const second = await look(csv.b);
    expect(second.look).toMatchObject({ look: 2, confidence: 1 - 0.3 / (2 * Math.PI) ** 2 });
    expect(second.comparisons[0]?.confidence).toBeCloseTo(second.look!.confidence, 12);
    expect(second.look?.sentence).toMatch(/^Look 2: .* decides: no further look is needed/);
  });

  test('is for superiority without a margin', async () => {
    const error = await refused([csv.a, csv.b], { ...asked, test: 'non-inferiority', margin: 0.01 });
    expect(error.message).toMatch(/--ledger keeps p values of no difference: expected --test superiority without a margin/);
  });
});

describe('a fault is named with its place:', () => {
  const broken = (change: (line: string, row: number) => string, header = 'id,label,score_cat,score_dog,score_eel'): string =>
    lines('broken.csv', header, (row) => change([ids[row], names[labels[row]!], ...a.subarray(row * 3, row * 3 + 3)].join(','), row));
  const inRow = (wanted: number, change: (cells: string[]) => string[]): string =>
    broken((line, row) => (row === wanted ? change(line.split(',')).join(',') : line));

  test.each([
    [
      'a score that is no number',
      () => inRow(3, (cells) => cells.with(4, 'abc')),
      /broken\.csv: line 5, column "score_eel": "abc", expected a score/,
    ],
    ['a score that is missing', () => inRow(3, (cells) => cells.with(2, '')), /broken\.csv: line 5, column "score_cat": nothing, expected/],
    ['a score that is NaN', () => inRow(3, (cells) => cells.with(2, 'NaN')), /line 5, column "score_cat": "NaN", expected/],
    [
      'logits',
      () => inRow(0, (cells) => cells.with(2, '-3.1')),
      /line 2, class cat: the score is -3\.1, expected 0 to 1; logits become scores with softmax/,
    ],
    [
      'scores that do not sum to 1',
      () => inRow(0, (cells) => [...cells.slice(0, 2), '0.5', '0.5', '0.5']),
      /line 2: the scores sum to 1\.50000, expected 1; .*softmax/,
    ],
    [
      'a label of no class',
      () => inRow(8, (cells) => cells.with(1, 'cow')),
      /label "cow" \(line 10\) is none of the classes cat, dog, eel/,
    ],
    ['a label that is missing', () => inRow(8, (cells) => cells.with(1, '')), /line 10 has no value in column "label"/],
    ['an id given twice', () => inRow(8, (cells) => cells.with(0, ids[3]!)), /1 id given twice: 021 \(line 10\)/],
    ['an id that no other has', () => inRow(8, (cells) => cells.with(0, 'new')), /1 id of .*broken\.csv missing: new/],
    [
      'a label that disagrees',
      () => inRow(8, (cells) => cells.with(1, names[(labels[8]! + 1) % 3]!)),
      /labels of 1 id disagree with .*broken\.csv: 056/,
    ],
    [
      'a class named otherwise',
      () => broken((line) => line, 'id,label,score_cow,score_dog,score_eel'),
      /label "\w+" \(line \d+\) is none of the classes cow, dog, eel/,
    ],
    [
      'a class too few',
      () => broken((line) => line.split(',').slice(0, 4).join(','), 'id,label,score_cat,score_dog'),
      /label "eel" \(line \d+\) is none of the classes cat, dog/,
    ],
    ['tabs', () => broken((line) => line.replaceAll(',', '\t'), 'id\tlabel\tscore_cat'), /separated by tabs; expected commas/],
    [
      'semicolons between quoted names',
      () => broken((line) => line.replaceAll(',', ';'), '"id";"label";"score_cat";"score_dog";"score_eel"'),
      /broken\.csv, line 1: the columns are separated by semicolons; expected commas/,
    ],
    ['no header', () => write('broken.csv', ''), /broken\.csv: is empty/],
    ['no rows', () => write('broken.csv', 'id,label,no,yes\n'), /has a header and no rows/],
    [
      'no scores',
      () => broken((line) => line.split(',').slice(0, 2).join(','), 'id,label'),
      /expected one score column a class, or a column "prediction", got id, label/,
    ],
    [
      'an empty folder',
      () => (mkdirSync(file('empty'), { recursive: true }), file('empty')),
      /empty: not a predictions folder; .*; it is empty/,
    ],
    [
      'a truncated array',
      () => write('cut.npy', writeNpy(a, [rows, 3]).subarray(0, 3000)),
      /cut\.npy: expected 4800 bytes of data for shape \(200, 3\)/,
    ],
    [
      'a matrix of three dimensions',
      () => npy('deep.npy', a, [rows, 3, 1]),
      /deep\.npy: has the shape \(200, 3, 1\), expected \(rows, classes\) or \(rows,\)/,
    ],
    ['a list with an empty path', () => `x=${csv.a},`, /expected NAME=PATH or NAME=PATH,PATH/],
  ])('%s', async (_, input, message) => {
    expect((await refused([input(), csv.b])).message).toMatch(message);
  });

  test('a pipe is refused before it is opened', async () => {
    execFileSync('mkfifo', [file('pipe.csv')]);
    expect((await refused([file('pipe.csv'), csv.b])).message).toMatch(/pipe\.csv: is a pipe or a device, expected a file/);
  });

  test('inputs with and without ids are no pair', async () => {
    const bare = npy('bare.npy', a, [rows, 3]);
    expect((await refused([csv.a, bare])).message).toMatch(/bare\.npy: has no ids, and .*a\.csv has; rows are paired by id/);
    expect((await refused([bare, bare], { labels: csv.a })).message).toMatch(
      /a\.csv: has ids, and .*bare\.npy has none to pair them with; .*--ids/,
    );
    const short = npy('short.npy', a.subarray(3), [rows - 1, 3]);
    const y = npy('y3.npy', Int32Array.from(labels));
    expect((await refused([bare, short], { labels: y })).message).toMatch(
      /short\.npy: 199 rows, but .*bare\.npy has 200; without ids rows are paired by order/,
    );
    expect((await refused([bare, bare], { labels: y, ids: lines('few.csv', 'id', (row) => ids[row]!, 9) })).message).toMatch(
      /200 rows, but .*few\.csv has 9 ids/,
    );
  });

  test('labels that name more classes than there are unnamed columns ask for the names', async () => {
    const two = npy(
      'two.npy',
      Float64Array.from({ length: 2 * rows }, () => 0.5),
      [rows, 2],
    );
    const error = await refused([two, two], {
      labels: npy(
        'y4.npy',
        labels.map((label) => names[label]!),
      ),
    });
    expect(error.message).toMatch(/2 columns of scores without names, and 3 classes in the labels \(cat, dog, eel\); .*--classes/);
  });
});

describe('the command', () => {
  test('leaves nothing behind and starts nothing', async () => {
    const at = desk();
    try {
      mkdirSync(join(at.folder, 'tmp'));
      at.write('a.csv', `id,label,no,yes\n${labels.map((label, row) => `${row},${label ? 'yes' : 'no'},0.4,0.6`).join('\n')}\n`);
      const args = ['compare', 'a.csv', 'a.csv', '--resamples', '1000', '--metric', 'accuracy', '--metric', 'f1_macro,log_loss'];
      const ended = await at.run(args, { TMPDIR: join(at.folder, 'tmp') });
      expect([ended.code, ended.err]).toEqual([0, '']);
      expect(readdirSync(at.folder).sort()).toEqual(['a.csv', 'tmp']);
      expect(readdirSync(join(at.folder, 'tmp'))).toEqual([]);
    } finally {
      at.remove();
    }
  });

  test('that is interrupted takes its scratch folder with it', async () => {
    const built = join(__dirname, '..', '..', 'dist', 'src', 'cli', 'temporaryFolder.js');
    const script = `require(${JSON.stringify(built)}).withTemporaryFolder('assay-compare-', async (folder) => {
      console.log(folder);
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    })`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const scratch = await new Promise<string>((resolve) => child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim())));
    expect(existsSync(scratch)).toBe(true);
    const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    child.kill('SIGINT');
    expect(await ended).toBe('SIGINT');
    expect(existsSync(scratch)).toBe(false);
  });
});

/** Labels of 200 rows and the scores of a fair and a better model; scores have no ties. */
function models(): { labels: number[]; a: Float64Array; b: Float64Array } {
  const random = uniform(7);
  const truth = Array.from({ length: rows }, () => Math.floor(random() * 3));
  const scores = (skill: number): Float64Array => {
    const made = new Float64Array(rows * 3);
    for (const [row, label] of truth.entries()) {
      const logit = [0, 1, 2].map((c) => Math.exp(3 * random() + (c === label ? skill : 0)));
      const sum = logit[0]! + logit[1]! + logit[2]!;
      for (let c = 0; c < 3; c++) made[row * 3 + c] = logit[c]! / sum;
    }
    return made;
  };
  return { labels: truth, a: scores(1), b: scores(2) };
}

function best(scores: Float64Array, row: number): number {
  const own = [...scores.subarray(row * 3, row * 3 + 3)];
  return own.indexOf(Math.max(...own));
}
