// Proves: `assay drift` as a person meets it: what moved, by how much, since when; and its exit codes.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check, DriftFinding, DriftReport, StreamFinding } from '../../src/contract';
import { writeNpy } from '../../src/data/npy';
import { filesBelow } from '../store/helpers';
import { type Desk, desk, table } from './assay';

let at: Desk;

beforeAll(() => {
  at = desk();
  at.write('old.csv', table({ seed: 1 }));
  at.write('same.csv', table({ seed: 2 }));
  at.write('new.csv', table({ seed: 3, shift: 1, from: 300 }));
});
afterAll(() => at.remove());

const common = ['--label', 'label', '--ignore', 'id'];

const alarms = ({ findings }: DriftReport): DriftFinding[] => findings.filter(({ alarm }) => alarm);

describe('of two tables', () => {
  it('says what moved, by how much, where and since when', async () => {
    const { code, out, err } = await at.run(['drift', 'old.csv', 'new.csv', ...common, '--time', 'day']);
    expect([code, err]).toEqual([0, '']);
    expect(out.split('\n')[0]).toBe('new.csv is not like old.csv: 1 of 4 columns changed ("x").');
    expect(out).toMatch(/^old\.csv: 600 rows; new\.csv: 600 rows; \d+ tests$/m);
    expect(out).toMatch(/^! x {2}.*Kolmogorov-Smirnov distance 0\.\d+/m);
    expect(out).toMatch(/^ {2}ks-distance 0\.\d+ \(bound 0\.050\), adjusted p < 0\.001, psi 0\.\d+/m);
    expect(out).toMatch(/^ {2}moved most: from .* of the rows; rows \d+/m);
    // Row 300 of 600 is of the 46th of 90 days; what began is noticed later and may have begun before.
    const since = Date.parse(/^ {2}since (\S+)$/m.exec(out)?.[1] ?? '');
    expect(since).toBeGreaterThan(Date.UTC(2025, 0, 20));
    expect(since).toBeLessThanOrEqual(Date.UTC(2025, 1, 15));
    expect(filesBelow(at.folder)).toEqual(['new.csv', 'old.csv', 'same.csv']);
  });

  it('says that nothing did, and exits with 4 only where something did and --fail-on-drift asks for it', async () => {
    const same = await at.run(['drift', 'old.csv', 'same.csv', ...common, '--ignore', 'id,day', '--fail-on-drift']);
    expect(same.code).toBe(0);
    expect(same.out).toMatch(/^same\.csv is like old\.csv/);
    // The test above exits with 0 without the flag.
    expect((await at.run(['drift', 'old.csv', 'new.csv', ...common, '--fail-on-drift'])).code).toBe(4);
  });

  it('prints one JSON document with --json; a change under the bound is no alarm', async () => {
    const report = await at.json<DriftReport>(['drift', 'old.csv', 'new.csv', ...common, '--min-effect', '0.9']);
    expect(report).toMatchObject({
      schema: 'assay.drift/1',
      reference: { name: 'old.csv', rows: 600 },
      ...{ alpha: 0.01, minEffect: 0.9, alarms: 0 },
    });
    expect(report.findings.map(({ column }) => column)).not.toContain('id');
    expect(report.findings.find(({ column }) => column === 'x')?.adjustedPValue).toBeLessThan(0.001);
  });

  it('looks at all columns together by --multivariate, adjusted with the rest', async () => {
    // y follows x on one side: no column shows it.
    const rows = (follows: boolean): string =>
      Array.from({ length: 600 }, (_, i) => `${(i * 0.618034) % 1},${(i * (follows ? 0.618034 : 0.754878)) % 1}`).join('\n');
    at.write('apart.csv', `x,y\n${rows(false)}\n`);
    at.write('together.csv', `x,y\n${rows(true)}\n`);
    const report = await at.json<DriftReport>(['drift', 'apart.csv', 'together.csv', '--multivariate', 'classifier']);
    expect(alarms(report)).toMatchObject([{ column: 'all columns together', what: 'multivariate', test: 'classifier' }]);
    const [found] = alarms(report);
    expect(found?.adjustedPValue).toBeLessThan(0.01);
    expect(found?.adjustedPValue).toBeGreaterThan(found?.pValue ?? 1);
  });

  it.each([
    [['--label', 'labl'], /old\.csv has no column "labl" \(--label\); it has id, label, day, x, y, kind/],
    [['--time', 'dayy'], /no column "dayy"; did you mean "day"/],
    [['--alpha', '2'], /--alpha.*expected a number from 0 to 1/i],
  ])('refuses %j with exit code 2', async (args, message) => {
    const { code, out, err } = await at.run(['drift', 'old.csv', 'new.csv', ...args]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(message);
  });

  it('needs two, and names a file that is not there', async () => {
    const one = await at.run(['drift', 'old.csv']);
    expect(one).toMatchObject({ code: 2, out: '' });
    expect(one.err).toMatch(/assay drift needs two data sets: assay drift REFERENCE CURRENT/);
    const absent = await at.run(['drift', 'old.csv', 'absent.csv']);
    expect(absent).toMatchObject({ code: 2, out: '' });
    expect(absent.err).toMatch(/^DataInvalid .*absent\.csv/);
  });
});

describe('of snapshots', () => {
  beforeAll(async () => {
    await at.run(['snapshot', 'create', 'old.csv', '--name', 'old']);
    await at.run(['snapshot', 'create', 'new.csv', '--name', 'new']);
  });

  it('is that of their files, with rows and since when, all columns together too', async () => {
    const options = [...common, '--time', 'day', '--multivariate', 'classifier'];
    const [stored, files] = [
      await at.json<DriftReport>(['drift', 'snapshot:old', 'snapshot:new', ...options]),
      await at.json<DriftReport>(['drift', 'old.csv', 'new.csv', ...options]),
    ];
    expect(stored.reference.digest).toMatch(/^sha256:/);
    const numbers = ({ findings }: DriftReport): unknown[] =>
      findings.map(({ column, pValue, adjustedPValue, effect, since }) => [column, pValue, adjustedPValue, effect, since]);
    expect(numbers(stored)).toEqual(numbers(files));
    expect(alarms(stored).map(({ column }) => column)).toContain('x');
  });

  it('needs no data of the past: the profile is enough', async () => {
    const objects = join(at.folder, 'home', 'store', 'objects');
    const past = filesBelow(objects).filter((path) => readFileSync(join(objects, path), 'utf8') === table({ seed: 1 }));
    expect(past).toHaveLength(1);
    for (const path of past) rmSync(join(objects, path));
    const report = await at.json<DriftReport>(['drift', 'snapshot:old', 'new.csv', ...common]);
    expect(alarms(report).map(({ column }) => column)).toEqual(['x']);
  });

  it('without a table is refused', async () => {
    at.write('set/a.bin', Buffer.from([0]));
    await at.run(['snapshot', 'create', 'set', '--name', 'files']);
    const { code, err } = await at.run(['drift', 'snapshot:files', 'new.csv']);
    expect([code, err]).toEqual([2, 'DataInvalid snapshot:files holds no table, so that there are no columns to compare.\n']);
  });
});

describe('of predictions', () => {
  it('compares the classes chosen and the scores', async () => {
    predictions('before', 0, 1);
    predictions('now', 0.3, 1);
    const report = await at.json<DriftReport>(['drift', 'before', 'now']);
    expect(
      alarms(report)
        .map(({ column }) => column)
        .sort(),
    ).toEqual(['prediction', 'score of 1']);
    expect(report.findings.find(({ column }) => column === 'prediction')?.picture).toMatchObject({
      labels: expect.arrayContaining(['0', '1']) as string[],
    });
    expect(await at.json<DriftReport>(['drift', 'before', 'before'])).toMatchObject({ alarms: 0 });
  });

  it('with data, or with what looks at rows, is refused', async () => {
    predictions('before', 0, 1);
    const mixed = await at.run(['drift', 'before', 'old.csv']);
    expect([mixed.code, mixed.err]).toEqual([
      2,
      'DataInvalid before and old.csv cannot be compared: one holds predictions, the other data. Give two of a kind.\n',
    ]);
    for (const [flag, value] of [
      ['--multivariate', 'mmd'],
      ['--time', 'day'],
    ] as const) {
      const { code, err } = await at.run(['drift', 'before', 'before', flag, value]);
      expect([code, err]).toEqual([
        2,
        expect.stringMatching(new RegExp(`^DataInvalid ${flag} looks at rows.*leave it out\\.\\n$`)) as string,
      ]);
    }
  });
});

describe('stream', () => {
  it('says when a change was noticed and where it began', async () => {
    const args = ['drift', 'stream', 'new.csv', '--column', 'x', '--time', 'day'];
    const found = await at.json<StreamFinding>([...args, '--reference', '200', '--fail-on-drift'], 4);
    expect(found).toMatchObject({ column: 'x', detector: 'adwin', wanted: 100_000 });
    // Rows are counted from the end of the reference.
    expect(found.began?.fromRow).toBeLessThanOrEqual(100);
    expect(found.began?.toRow).toBeLessThan(found.detectedAt?.row ?? 0);
    expect(found.detectedAt?.row).toBeGreaterThan(100);
    expect(found.detectedAt?.time).toMatch(/^2025-0[23]-\d\dT00:00:00Z$/);
  });

  it('says that nothing changed', async () => {
    const { code, out } = await at.run(['drift', 'stream', 'same.csv', '--column', 'x', '--time', 'day', '--fail-on-drift']);
    expect([code, out]).toEqual([0, expect.stringMatching(/^No change of "x" in 300 rows/) as string]);
  });

  it.each([
    [['--column', 'kind'], /same\.csv, column "kind": expected numbers in every row/],
    [['--column', 'x', '--time', 'kind'], /column "kind": no times/],
  ])('refuses %j with exit code 2', async (args, message) => {
    const { code, out, err } = await at.run(['drift', 'stream', 'same.csv', ...args]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(message);
  });
});

describe('weights', () => {
  it('writes one weight a row that bring the source to the target, and says what they cost', async () => {
    at.write('wide.csv', table({ rows: 2000, seed: 5 }));
    at.write('target.csv', `x\n${Array.from({ length: 400 }, (_, i) => 0.4 + ((i * 0.618034) % 1)).join('\n')}\n`);
    const args = ['drift', 'weights', 'wide.csv', 'target.csv', '-o', 'weights.csv', '--columns', 'x'];
    const { code, out } = await at.run(args);
    expect(code).toBe(0);
    const lines = readFileSync(join(at.folder, 'weights.csv'), 'utf8').trimEnd().split('\n');
    expect(lines[0]).toBe('row,weight');
    const x = table({ rows: 2000, seed: 5 })
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => Number(line.split(',')[3]));
    let [sum, total] = [0, 0];
    for (const [i, line] of lines.slice(1).entries()) {
      const [row, weight] = line.split(',').map(Number);
      expect(row).toBe(i);
      sum += (weight ?? 0) * (x[i] ?? 0);
      total += weight ?? 0;
    }
    // The mean of the target is 0.9, that of the source 0.
    expect(Math.abs(sum / total - 0.9)).toBeLessThan(0.15);
    expect(out).toMatch(/^Standardised differences, before -> after:\n {2}x +[\d.]+ -> [\d.]+$/m);
    expect(out.trimEnd().split('\n').at(-1)).toBe(join(at.folder, 'weights.csv'));
  });

  it('refuses where the source has nothing like the target, and writes nothing', async () => {
    at.write('far.csv', `x\n${Array.from({ length: 50 }, (_, i) => 100 + i).join('\n')}\n`);
    const { code, out, err } = await at.run(['drift', 'weights', 'old.csv', 'far.csv', '-o', 'far-weights.csv', '--columns', 'x']);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/No overlap in column "x"/);
    expect(filesBelow(at.folder)).not.toContain('far-weights.csv');
  });
});

describe('serving', () => {
  const served = (change: (row: number, yes: number) => number): string =>
    `id,score_no,score_yes\n${Array.from({ length: 200 }, (_, row) => {
      const yes = change(row, (row * 0.618034) % 1);
      return `${row},${1 - yes},${yes}`;
    }).join('\n')}\n`;

  beforeAll(() => predictions('offline', 0, 1, 200));

  it('passes where every row is answered as offline, whatever the names of the classes in a table beside arrays', async () => {
    at.write(
      'served.csv',
      served((_, yes) => yes),
    );
    const { code, out } = await at.run(['drift', 'serving', 'offline', 'served.csv']);
    expect([code, out]).toEqual([0, expect.stringMatching(/^pass The served model answers all 200 rows as offline/) as string]);
  });

  it('exits with 4 where labels differ, and names the rows', async () => {
    at.write(
      'served.csv',
      served((row, yes) => (row === 7 ? 1 - yes : yes)),
    );
    const check = await at.json<Check>(['drift', 'serving', 'offline', 'served.csv'], 4);
    expect(check).toMatchObject({ name: 'serving-consistency', status: 'fail' });
    expect(check.findings?.[0]?.where?.rows).toEqual(['7']);
  });

  it('warns of scores further apart than the tolerance, and lets those within pass', async () => {
    at.write(
      'served.csv',
      served((_, yes) => Math.min(1, yes + 1e-3)),
    );
    const warned = await at.run(['drift', 'serving', 'offline', 'served.csv']);
    expect([warned.code, warned.out.slice(0, 5)]).toEqual([0, 'warn ']);
    expect((await at.run(['drift', 'serving', 'offline', 'served.csv', '--tolerance', '0.01'])).out).toMatch(/^pass /);
  });

  it('of several runs asks for one', async () => {
    for (const seed of [1, 2]) predictions(`variant/seed-${seed}`, 0, 1, 200);
    const { code, err } = await at.run(['drift', 'serving', 'variant', 'offline']);
    expect([code, err]).toEqual([
      2,
      'DataInvalid variant: expected the predictions of one run, got several; name the folder of one seed.\n',
    ]);
  });
});

/** Predictions of two classes whose second score lies evenly between the bounds. */
function predictions(name: string, from: number, to: number, rows = 1000): void {
  const place = join(at.folder, name);
  mkdirSync(place, { recursive: true });
  const scores = Float64Array.from({ length: rows * 2 }, (_, i) => {
    const yes = from + (to - from) * (((i >> 1) * 0.618034) % 1);
    return i % 2 === 1 ? yes : 1 - yes;
  });
  writeFileSync(join(place, 'ids.npy'), writeNpy({ shape: [rows], data: Array.from({ length: rows }, (_, row) => String(row)) }));
  writeFileSync(join(place, 'scores.npy'), writeNpy({ shape: [rows, 2], data: scores }));
}
