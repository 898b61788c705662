// Proves: `assay plan` counts the rows that a run would compare on, takes a pilot in each of its forms for the same numbers, says what it would
// see in lines that fit a terminal, and refuses what cannot be planned with one sentence and exit code 2.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AnalysisInput, AnalysisRun } from '../../src/analysis';
import { type PlanDocument, planOf } from '../../src/cli/plan/plan';
import { countTestRows } from '../../src/cli/plan/rows';
import { planText } from '../../src/cli/plan/text';
import { type ExperimentRecord, mediaTypes, type Ref, refNames, type ResolvedSpec, type Result, type Snapshot } from '../../src/contract';
import { createSnapshot } from '../../src/data';
import { writeNpy } from '../../src/data/npy';
import { readSpec } from '../../src/cli/run';
import { openStore } from '../../src/store';
import { experiment } from '../analysis/simulate';
import { makeResult } from '../report/fixture';
import { desk, table } from './assay';

const here = desk();
const spec = (changes = ''): string => `name: digits
data: {source: ./rows.csv, id: id, split: {test: 0.3, validation: 0.1, seed: 2}}
training:
  command: [python, train.py]
  budget: {epochs: 5, wallClock: 30m}
runtime: {gpus: 2}
variants:
  - {name: mlp, control: true, params: {h: 1}}
  - {name: cnn, params: {h: 2}}
varies: [h]
${changes}`;
const inFolder = (path: string): string => join(here.folder, path);
const planned = (options: Parameters<typeof planOf>[1] = {}, file = 'experiment.yaml'): Promise<PlanDocument> =>
  planOf(inFolder(file), options);

beforeAll(() => {
  process.env['ASSAY_HOME'] = inFolder('home');
  here.write('train.py', '');
  here.write('rows.csv', table({ rows: 900 }));
  here.write('experiment.yaml', spec());
});
afterAll(() => here.remove());

describe('rows', () => {
  const counted = async (
    file: string,
  ): Promise<{ found: Awaited<ReturnType<typeof countTestRows>>; snapshot: Snapshot; resolved: ResolvedSpec }> => {
    const { spec: resolved } = await readSpec(inFolder(file), {});
    const store = openStore(`file://${inFolder('counting')}`);
    const { snapshot } = await createSnapshot({ spec: resolved, store, workDir: inFolder('work') });
    return { found: await countTestRows(resolved), snapshot, resolved };
  };

  test('of a table are those of the split that a run would draw', async () => {
    const { found, snapshot } = await counted('experiment.yaml');
    expect(found.test).toMatchObject({ rows: snapshot.splits.test.rows, units: null, effective: snapshot.splits.test.rows });
    expect(found.test.rows).toBeGreaterThan(200);
    expect(found.test.classes?.reduce((sum, count) => sum + count, 0)).toBe(found.test.rows);
  });

  test('of users are counted by user, and worth no more than the users', async () => {
    here.write('users.yaml', spec().replace('id: id,', 'id: id, unit: day,'));
    const { found, snapshot } = await counted('users.yaml');
    expect(found.test).toMatchObject({ rows: snapshot.splits.test.rows, units: snapshot.units.test });
    expect(found.test.effective).toBeLessThanOrEqual(snapshot.units.test);
    expect(found.unitOf?.get('r0')).toBe('2025-01-01');
  });

  test('of a folder of files are counted without reading them', async () => {
    for (let i = 0; i < 60; i++) here.write(`pictures/${i % 2 ? 'cat' : 'dog'}/${i}.bin`, `picture ${i}`);
    here.write('folder.yaml', spec().replace('./rows.csv, id: id', './pictures'));
    const { found, snapshot } = await counted('folder.yaml');
    expect(found.test.rows).toBe(snapshot.splits.test.rows);
  });

  test('given by --rows need no data yet', async () => {
    here.write('later.yaml', spec().replace('./rows.csv', './not-there-yet.csv'));
    const document = await planned({ rows: 7847, set: ['analysis.question=artifact'] }, 'later.yaml');
    expect(document).toMatchObject({ rowsFrom: '--rows', test: { rows: 7847 } });
    expect(document.scenarios.find((scenario) => scenario.discordance === 0.1)?.detectable).toBeCloseTo(0.01, 5);
  });
});

describe('a pilot', () => {
  const five = experiment({ seed: 2, arms: [{ name: 'mlp' }, { name: 'cnn', skill: 0.8 }], rows: 400 });

  test('gives the same numbers as predictions, as an export and as an experiment in the store', async () => {
    const folders = writeRuns(inFolder('pilot/runs'), five);
    const result = await storeExperiment(five);
    here.write('pilot/result.json', JSON.stringify(result));
    const files = await planned({ pilot: folders });
    expect(files.pilot?.variants[0]).toMatchObject({ variant: 'cnn', rows: 400, pairs: 5 });
    const exported = await planned({ pilot: [inFolder('pilot')] });
    expect(exported.scenarios).toEqual(files.scenarios);
    expect((await planned({ pilot: [inFolder('pilot/result.json')] })).scenarios).toEqual(files.scenarios);
    const stored = await planned({ pilot: ['digits'] });
    expect(stored.scenarios).toEqual(files.scenarios);
    expect(stored.pilot?.name).toBe(result.experiment);
    // Two arms of five runs of 100 seconds each, on two devices.
    expect(stored.cost).toMatchObject({ trained: 10, gpuHoursAtMost: 10, gpuHoursExpected: (10 * 100 * 2) / 3600 });
    expect(files.cost.gpuHoursExpected).toBeNull();
  });

  test('whose rows belong to users asks the data for them', async () => {
    here.write('users.yaml', spec().replace('id: id,', 'id: id, unit: day,'));
    const strangers = writeRuns(inFolder('strangers'), five);
    await expect(planned({ pilot: strangers }, 'users.yaml')).rejects.toThrow(
      /400 ids that data.source does not have \(row-0, .*name the experiment in the store instead/,
    );
    const known = { ...five, ids: five.ids.map((_, i) => `r${i}`) };
    const { pilot } = await planned({ pilot: writeRuns(inFolder('known'), known) }, 'users.yaml');
    expect(pilot?.variants[0]?.units).toBe(40);
  });
});

describe('the text', () => {
  test.each([
    ['assumed noise', {}],
    ['the artifact question', { set: ['analysis.question=artifact', 'analysis.margin=0.02', 'analysis.test=equivalence'] }],
    ['a guardrail on latency', { set: ['analysis.guardrails=[{metric: latency_p95, maxIncrease: 20%}]', 'evaluation.batchSize=200'] }],
  ])('fits a terminal of 100 columns: %s', async (_, options) => {
    const text = planText(await planned(options));
    expect(text.split('\n').filter((line) => line.length > 100)).toEqual([]);
    expect(text).toMatch(/^digits: \w+ on accuracy/);
    expect(text).toMatch(/cost {2}10 trainings; at most 10\.0 GPU-hours/);
  });

  test('says what is assumed, what is seen, what it takes, and that it would not do', async () => {
    const text = planText(await planned());
    expect(text).toMatch(/wanted: with 80 % chance to see a true gain of 1.00 pp \(no --difference\)/);
    expect(text).toMatch(/seed deviation \\ discordance +2 % +5 % +10 % +20 %/);
    expect(text).toMatch(/warning {2}This experiment would be inconclusive in 5 of 5 cases/);
    expect(text).toMatch(/variant wins under 3 of 4 seeds: 29/);
  });

  test('has a way to fewer rows by more seeds where a pilot tells', async () => {
    const folders = writeRuns(inFolder('text'), experiment({ seed: 3, arms: [{ name: 'mlp' }, { name: 'cnn', skill: 0.8 }] }));
    const text = planText(await planned({ pilot: folders, difference: '3pp', seedCount: 10 }));
    expect(text).toMatch(/^ {2}noise of +detectable +chance +rows needed \(\d+\) +seeds needed \(10\)$/m);
    expect(text).toMatch(/^ {2}seeds +5 +10 +15 +20 +30$/m);
    expect(text).toMatch(/Do not count the pilot’s rows twice/);
    expect(text.split('\n').filter((line) => line.length > 100)).toEqual([]);
  });
});

describe('the command', () => {
  test('prints one document with --json, and text without', async () => {
    const document = await here.json<PlanDocument>([
      'plan',
      'experiment.yaml',
      '--seed-count',
      '10',
      '--difference',
      '2pp',
      '--power',
      '0.9',
    ]);
    expect(document).toMatchObject({ schema: 'assay.plan/1', power: 0.9, wanted: { difference: 0.02, margin: 0, defaulted: false } });
    expect(document.plan.seeds).toHaveLength(10);
    expect(document.scenarios).toHaveLength(16);
    const { code, out, err } = await here.run(['plan', 'experiment.yaml', '--seeds', '4,5']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/artifact question/);
  });

  test('takes the number after --seeds for a seed, as run does', async () => {
    const document = await here.json<PlanDocument>(['plan', 'experiment.yaml', '--seeds', '10', '--rows', '500']);
    expect(document.plan.seeds).toEqual([10]);
  });

  test('leaves nothing behind where one file of a pilot is missing', async () => {
    const scratch = inFolder('scratch');
    mkdirSync(scratch, { recursive: true });
    here.write('there.csv', `id,label,score_a,score_b\n${'x'.repeat(9)},a,0.5,0.5\n`);
    const { code, err } = await here.run(['plan', 'experiment.yaml', '--pilot', 'there.csv', '--pilot', 'gone.csv'], { TMPDIR: scratch });
    expect([code, err]).toEqual([2, expect.stringMatching(/^DataInvalid gone\.csv: no such file/)]);
    expect(readdirSync(scratch)).toEqual([]);
  });

  test('shows examples in its help', async () => {
    const { out } = await here.run(['plan', '--help']);
    expect(out).toMatch(/assay plan experiment.yaml --pilot digits --difference 1pp/);
  });

  test.each([
    ['a pilot that nobody knows', ['--pilot', 'nobody'], /no experiment "nobody" in .*; known: none yet/],
    ['a pilot of one arm', ['--pilot', 'lonely'], /--pilot lonely is one set of predictions; give two, the control first/],
    ['a path that is not there', ['--pilot', 'no/where'], /--pilot no\/where: no such file or folder/],
    ['a result that is none', ['--pilot', 'wrong.json'], /wrong.json: expected the schema assay.result\/1/],
    ['a metric without a formula', ['--set', 'evaluation.metrics=[ece]', '--set', 'analysis.primary=ece'], /ece has no planning formula/],
    ['a metric that needs a pilot', ['--set', 'analysis.primary=auc_ovr'], /auc_ovr can be planned from a pilot alone/],
    ['an impossible power', ['--power', '2'], /power 2: expected 0.5 to 0.999/],
    ['a difference that is no number', ['--difference', 'much'], /--difference much: expected a number in the metric's unit such as 0.01/],
    ['a share without a pilot', ['--difference', '5%'], /write 5pp or 0.05/],
    ['one row', ['--rows', '1'], /rows 1: expected a whole number from 2/],
    ['seeds that are none', ['--seeds', 'many'], /argument 'many' is invalid/],
    ['no seeds at all', ['--seed-count', '0'], /--seed-count 0: expected 1 to 10,000/],
    ['which seeds and how many at once', ['--seeds', '1,2', '--seed-count', '2'], /give one of the two/],
    ['data that are not there', ['--set', 'data.source=./gone.csv'], /gone.csv/],
    ['data of another kind', ['--set', 'data.label=colour'], /rows.csv has no column "colour"/],
  ])('refuses %s with exit code 2', async (_, flags, message) => {
    here.write('wrong.json', '{}');
    mkdirSync(inFolder('lonely'), { recursive: true });
    rmSync(inFolder('elsewhere'), { recursive: true, force: true });
    const { code, out, err } = await here.run(['plan', 'experiment.yaml', ...flags], { ASSAY_HOME: inFolder('elsewhere') });
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(message);
    expect(err.trim().split('\n').length).toBeLessThanOrEqual(4);
  });
});

/** The predictions of each variant as an export lays them out. */
function writeRuns(base: string, input: AnalysisInput): string[] {
  return input.variants.map((variant) => {
    for (const run of variant.runs)
      for (const [name, bytes] of arraysOf(input, run)) {
        const path = join(base, variant.name, `seed-${run.seed}`, 'predictions', name);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, bytes);
      }
    return join(base, variant.name);
  });
}

function arraysOf(input: AnalysisInput, run: AnalysisRun): [string, Buffer][] {
  const rows = input.ids.length;
  return [
    ['ids.npy', writeNpy({ shape: [rows], data: input.ids })],
    ['labels.npy', writeNpy({ shape: [rows], data: BigInt64Array.from(input.labels, BigInt) })],
    ['scores.npy', writeNpy({ shape: [rows, input.classes.length], data: run.scores as Float64Array })],
  ];
}

/** The experiment as it lies in the store of the desk's home. */
async function storeExperiment(input: AnalysisInput): Promise<Result> {
  const store = openStore(`file://${inFolder('home')}/store`);
  const lines = input.ids.map((id, row) => JSON.stringify({ id, label: input.classes[input.labels[row] as number], row }));
  const test = await store.put(`${lines.join('\n')}\n`, mediaTypes.jsonLines);
  const snapshot = { schema: 'assay.snapshot/2', classes: input.classes, unit: null, splits: { test: { rows: lines.length, ref: test } } };
  const stored = await store.putJson(snapshot);
  const made = makeResult({ candidates: ['cnn'] });
  const result: Result = {
    ...made,
    snapshot: { ...made.snapshot, record: stored.digest, classes: input.classes },
    variants: await Promise.all(
      made.variants.map(async (variant, i) => {
        const own = input.variants[i] as AnalysisInput['variants'][number];
        const runs = await Promise.all(
          variant.runs.map(async (run, s) => {
            const folder = inFolder(`stored/${own.name}/${run.seed}`);
            mkdirSync(folder, { recursive: true });
            for (const [name, bytes] of arraysOf(input, own.runs[s] as AnalysisRun)) writeFileSync(join(folder, name), bytes);
            return { ...run, seconds: 100, artifacts: { ...run.artifacts, predictions: await store.putFolder(folder) } };
          }),
        );
        return { ...variant, name: own.name, runs };
      }),
    ),
  };
  const none: Ref = await store.putJson({});
  const experimentRecord: ExperimentRecord = {
    schema: 'assay.experiment/1',
    experimentId: result.experiment,
    name: result.name,
    owner: null,
    startedAt: result.startedAt,
    finishedAt: result.finishedAt,
    status: 'done',
    workflow: { id: 'w', runId: 'r' },
    spec: none,
    provenance: none,
    snapshot: stored,
    result: await store.putJson(result),
    report: none,
    verdict: result.verdict,
    message: null,
  };
  await store.refs.set(refNames.experiment(result.experiment), experimentRecord, null);
  return result;
}
