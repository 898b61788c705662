import type { ColumnProfile, SplitName, SplitProfile } from '../../src/contract';
import { ExperimentSpec } from '../../src/contract';
import {
  classBalanceCheck,
  covariateChecks,
  overlapCheck,
  pairsCheck,
  parameterCheck,
  type Profiles,
  runDataChecks,
  splitRatioCheck,
} from '../../src/checks';
import { createSnapshot } from '../../src/data';
import { removeTemporaryFolders } from '../store/helpers';
import { csv, room, rows } from '../data/helpers';

afterAll(removeTemporaryFolders);

const limits = { alpha: 0.01, minEffect: 0.1 };
const numbers = (name: string, values: number[]): ColumnProfile => ({
  name,
  kind: 'number',
  count: values.length,
  missing: 0,
  distinct: values.length,
  sample: [...values].sort((a, b) => a - b),
});
const category = (name: string, counts: Record<string, number>, otherCount = 0): ColumnProfile => ({
  name,
  kind: 'category',
  count: Object.values(counts).reduce((a, b) => a + b, otherCount),
  missing: 0,
  distinct: Object.keys(counts).length,
  counts,
  otherCount,
});
const profile = (columns: ColumnProfile[], classes: Record<string, number> = { a: 50, b: 50 }): SplitProfile => ({
  rows: Object.values(classes).reduce((a, b) => a + b, 0),
  classes,
  columns,
});
const empty = profile([], {});
/** Evenly spread values, so that two sets differ only by what is done to them. */
const spread = (n: number, shift = 0): number[] => Array.from({ length: n }, (_, i) => (i + 0.5) / n + shift);

describe('overlap', () => {
  const pair = (splits: [SplitName, SplitName], count: number, examples: [string, string][] = []) => ({ splits, rows: count, examples });

  test('passes where no split shares a row', () => {
    expect(overlapCheck({ pairs: [pair(['train', 'test'], 0)] })).toMatchObject({ status: 'pass', gate: true, statistic: 0 });
  });
  test('fails as a gate where train and test share rows, and names them', () => {
    expect(
      overlapCheck({
        pairs: [
          pair(['train', 'test'], 2, [
            ['r0', 'c0'],
            ['r1', 'c1'],
          ]),
        ],
      }),
    ).toMatchObject({
      status: 'fail',
      gate: true,
      statistic: 2,
      detail: expect.stringContaining('2 rows of test have the features of a row of train (r0 = c0, r1 = c1).'),
    });
  });
  test('warns where only train and validation share rows', () => {
    expect(overlapCheck({ pairs: [pair(['train', 'validation'], 1, [['a', 'b']])] })).toMatchObject({ status: 'warn' });
  });
  test('never passes where it was not measured', () => {
    expect(overlapCheck(undefined).status).toBe('fail');
  });
});

describe('sample ratio', () => {
  const shares = { train: 0.7, validation: 0.1, test: 0.2 };
  test('passes chance deviations of many units', () => {
    expect(splitRatioCheck({ train: 7020, validation: 990, test: 1990 }, shares, 0.001)).toMatchObject({ status: 'pass', gate: true });
  });
  test('fails where a tenth of the test units is lost', () => {
    expect(splitRatioCheck({ train: 70000, validation: 10000, test: 18000 }, shares, 0.001)).toMatchObject({ status: 'fail' });
  });
  test('passes a significant deviation under one per cent, since its size does not matter', () => {
    const check = splitRatioCheck({ train: 7_010_000, validation: 998_000, test: 1_992_000 }, shares, 0.001);
    expect(check.pValue).toBeLessThan(0.001);
    expect(check.status).toBe('pass');
  });
  test('fails on one unit in a split of share 0', () => {
    expect(splitRatioCheck({ train: 800, validation: 1, test: 199 }, { train: 0.8, validation: 0, test: 0.2 }, 0.001).status).toBe('fail');
  });
  test('has nothing to compare where files name the splits', () => {
    expect(splitRatioCheck({ train: 1, validation: 0, test: 99 }, null, 0.001)).toMatchObject({ status: 'pass', pValue: null });
  });
});

describe('class balance', () => {
  test('passes equal shares and warns where a class is three times as common', () => {
    const even: Profiles = { train: profile([], { a: 500, b: 500 }), validation: empty, test: profile([], { a: 100, b: 100 }) };
    expect(classBalanceCheck(even, limits)).toMatchObject({ status: 'pass', gate: false });
    const skewed: Profiles = { ...even, test: profile([], { a: 150, b: 50 }) };
    expect(classBalanceCheck(skewed, limits)).toMatchObject({ status: 'warn', detail: expect.stringContaining('25.0 points') });
  });
});

describe('covariates', () => {
  test('a shifted number and another mix of categories are found, the others not, and another split is advised', () => {
    const train = profile([numbers('x', spread(500)), numbers('y', spread(500)), category('k', { a: 250, b: 250 })]);
    const shifted = profile([numbers('x', spread(300, 0.3)), numbers('y', spread(300)), category('k', { a: 50, b: 250 })]);
    const [check] = covariateChecks({ train, validation: empty, test: shifted }, limits);
    expect(check).toMatchObject({ name: 'covariates-test', status: 'warn', gate: false, mend: expect.stringContaining('Split again') });
    expect(check?.detail).toMatch(/^2 of 3 columns differ between train and test\./);
    expect(check?.findings?.map(({ column, alarm }) => [column, alarm])).toEqual([
      [expect.stringMatching(/[xk]/), true],
      [expect.stringMatching(/[xk]/), true],
      ['y', false],
    ]);
  });
  test('the time that a split was made by is no finding; another column is', () => {
    const early = profile([numbers('day', spread(300)), numbers('x', spread(300))]);
    const late = profile([numbers('day', spread(300, 9)), numbers('x', spread(300, 9))]);
    const told = (split?: Parameters<typeof covariateChecks>[2]): string[] | undefined =>
      covariateChecks({ train: early, validation: empty, test: late }, limits, split)[0]?.findings?.map(({ column }) => column);
    expect(told()?.sort()).toEqual(['day', 'x']);
    expect(told({ time: 'day', before: '2026-03-01' })).toEqual(['x']);
  });
  test('the same columns are no finding', () => {
    const same = profile([numbers('x', spread(300)), category('k', { a: 100, b: 200 })]);
    const [check] = covariateChecks({ train: same, validation: empty, test: same }, limits);
    expect(check).toMatchObject({ status: 'pass', statistic: 0, pValue: 1 });
    expect(check?.mend).toBeUndefined();
  });
  test('a significant but small shift is no alarm', () => {
    const train = profile([numbers('x', spread(10_000))]);
    const [check] = covariateChecks({ train, validation: empty, test: profile([numbers('x', spread(10_000, 0.05))]) }, limits);
    expect(check?.pValue).toBeLessThan(0.01);
    expect(check?.status).toBe('pass');
  });
});

describe('pairs', () => {
  const run = (ids: (string | number)[]) => ({ variant: 'b', seed: 1, ids });
  test('pass in any order and fail on missing, unknown and repeated ids', () => {
    expect(pairsCheck([1, 2, 3], [run(['3', '1', '2'])])).toMatchObject({ status: 'pass', gate: true });
    expect(pairsCheck([1, 2, 3], [run([1, 2, 2, 9])]).detail).toBe('b, seed 1: 1 test ids missing (3), 1 unknown ids (9), 1 ids repeated.');
    expect(pairsCheck([1], []).status).toBe('fail');
  });
});

describe('parameters', () => {
  const spec = (params: Record<string, unknown>, varies: string[]) => ({
    ...ExperimentSpec.parse({
      name: 's',
      data: { source: 'd.csv' },
      training: { command: ['x'], params: { lr: 0.1, model: { kind: 'a', width: 8 } } },
      variants: [
        { name: 'a', control: true },
        { name: 'b', params },
      ],
      varies,
    }),
    root: '/',
  });
  test('pass what is declared, by name or by the part above', () => {
    expect(parameterCheck(spec({ lr: 0.2, model: { kind: 'b', width: 8 } }, ['lr', 'model']))).toMatchObject({
      status: 'pass',
      gate: true,
    });
  });
  test('fail an undeclared difference and say both values', () => {
    expect(parameterCheck(spec({ lr: 0.2 }, []))).toMatchObject({
      status: 'fail',
      detail: 'Parameters differ without being declared under varies: lr (a: 0.1, b: 0.2).',
    });
    expect(parameterCheck(spec({ dropout: 0.5 }, ['lr'])).detail).toContain('dropout (a: absent, b: 0.5)');
  });
});

test('the checks of a real snapshot pass, and a copied row planted in it fails the overlap gate', async () => {
  const at = room();
  const read = async (source: string) => {
    const spec = at.spec({ source });
    const { snapshot } = await createSnapshot({ spec, store: at.store, workDir: `${at.root}/work` });
    const { train, validation, test: tested } = snapshot.profiles;
    const profiles: Profiles = {
      train: await at.store.getJson(train),
      validation: await at.store.getJson(validation),
      test: await at.store.getJson(tested),
    };
    return { spec, snapshot, profiles };
  };
  at.write('data.csv', csv(rows(0, 1000)));
  const first = await read('data.csv');
  const checks = runDataChecks({ ...first, reference: null });
  expect(checks.map(({ name, status }) => [name, status])).toEqual(
    [
      'parameters',
      'overlap',
      'sample-ratio',
      'near-duplicates',
      'units-across',
      'label-leak',
      'class-balance',
      'covariates-test',
      'covariates-validation',
      'drift',
    ].map((name) => [name, 'pass']),
  );
  at.write('copied.csv', csv([...rows(0, 1000), ...rows(0, 100).map((line) => line.replace('r', 'copy'))]));
  const copied = await read('copied.csv');
  const after = runDataChecks({ ...copied, reference: { name: 'the snapshot before', profiles: first.profiles } });
  expect(after.filter(({ gate, status }) => gate && status === 'fail').map(({ name }) => name)).toEqual(['overlap']);
  expect(after.find(({ name }) => name === 'drift')).toMatchObject({ status: 'pass' });
});
