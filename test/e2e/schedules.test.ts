// Proves, with a real server, separate worker processes and the command itself: a schedule fills its series with whole experiments on data
// that grow, a server that was away makes up for what it missed within the catch-up window, and workers that are killed lose no look.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seriesSummary } from '../../src/analysis/series';
import { createSchedule, describeSchedule } from '../../src/client';
import { type ExperimentRecord, refNames, type Result, type SeriesRecord } from '../../src/contract';
import { type Desk, desk, type Ended } from '../cli/assay';
import { Cluster, until } from './cluster';

const trainer = join(__dirname, 'trainers', 'trainer.py');

let cluster: Cluster;
let folder: string;
let at: Desk;

beforeAll(async () => {
  cluster = await Cluster.start({ hosts: ['host-a'], slots: 2 });
  folder = mkdtempSync(join(tmpdir(), 'assay-schedules-'));
  at = desk();
}, 60_000);

afterAll(async () => {
  await cluster.stop();
  at.remove();
  rmSync(folder, { recursive: true, force: true });
});

test('a schedule of a few seconds makes three looks at data that grow, and ends with its budget', async () => {
  const file = experiment('growing', 300);
  const made = await assay('schedule', 'create', 'growing', file, '--every', '2s', '--max-runs', '3', '--note', 'a trial');
  expect(made).toMatchObject({ code: 0, out: expect.stringContaining('growing: every 2s · UTC · overlap skip · made up for within 1h') });
  for (const looks of [1, 2]) {
    await until(async () => (await recordOf('growing')).looks.length >= looks, 60_000);
    writeTable('growing', 300 + 200 * looks);
  }
  await until(async () => (await describeSchedule(cluster.client, 'growing'))?.state.paused === true, 60_000);
  const { looks, ledger, state, runs } = await recordOf('growing');
  expect([state, runs, looks.length]).toEqual(['budget-used', 3, 3]);
  const distinct = new Set(looks.map(({ inputs }) => inputs)).size;
  expect(distinct).toBeGreaterThan(1);
  expect(ledger.looks).toHaveLength(distinct);
  const results = await Promise.all(looks.map(({ experimentId }) => resultOf(experimentId)));
  expect(results.map(({ comparisons }) => comparisons[0]?.n)).toEqual(looks.map(({ information }) => information));
  expect(looks.map(({ snapshot }) => snapshot)).toEqual(results.map(({ snapshot }) => snapshot.digest));

  const { out } = await assay('show', 'series/growing');
  expect(out).toMatch(/^growing {2}budget used without a decision: 3 of 3 runs\n/);
  expect(out.split('\n').filter((line) => line.includes('●'))).toHaveLength(3);
  expect((await assay('schedule', 'ls')).out).toMatch(/^growing {2}budget-used {2}next paused {2}last /);
  expect((await assay('schedule', 'resume', 'growing')).err).toContain('raise its bound');
  expect((await assay('schedule', 'apply', 'growing', file, '--max-runs', '4')).code).toBe(0);
  expect((await recordOf('growing')).state).toBe('running');
  expect((await assay('schedule', 'delete', 'growing')).out).toContain('`assay show series/growing` still shows its looks');
  expect(await describeSchedule(cluster.client, 'growing')).toBeNull();
  // As after a server that has lost its database: the record knows when it fires.
  expect((await assay('schedule', 'apply', 'growing', file, '--paused')).out).toContain('growing: every 2s');
  expect(await describeSchedule(cluster.client, 'growing')).toMatchObject({ state: { paused: true } });
  expect((await recordOf('growing')).looks).toHaveLength(3);
}, 180_000);

test('a sequence over new units counts only rows that no look before has seen', async () => {
  const file = experiment('units', 400);
  await assay('schedule', 'create', 'units', file, '--every', '24h', '--ledger', 'new-units');
  for (const looks of [1, 2]) {
    await assay('schedule', 'trigger', 'units');
    await until(async () => (await recordOf('units')).looks.length === looks, 60_000);
    // The new rows lie elsewhere in x.
    writeTable('units', 700, 2);
  }
  const looked = await recordOf('units');
  const { looks } = looked;
  const [first, second] = await Promise.all(looks.map(({ experimentId }) => resultOf(experimentId)));
  const rows = (result: Result | undefined): number => result?.snapshot.splits.test ?? 0;
  const drift = [first, second].map((result) => result?.checks.find(({ name }) => name === 'drift'));
  expect(drift[0]?.status ?? 'pass').toBe('pass');
  expect(drift[1]).toMatchObject({ status: 'warn', detail: expect.stringMatching(/\bx\b/) });
  expect(drift[1]?.findings?.filter(({ alarm }) => alarm).map(({ column }) => column)).toEqual(['x']);
  // A row keeps its split when the data grow.
  expect(looks.map(({ newUnits }) => newUnits)).toEqual([rows(first), rows(second) - rows(first)]);
  expect(looks[1]).toMatchObject({ information: rows(second), sequence: { low: expect.any(Number), high: expect.any(Number) } });
  await assay('schedule', 'delete', 'units', '--forget');
  expect((await assay('show', 'series/units')).code).toBe(2);
  // A store that has lost the record of a schedule is told anew as well.
  await createSchedule(cluster.client, { name: 'units', timing: looked.timing, about: '', series: seriesSummary(looked) });
  expect((await assay('schedule', 'apply', 'units', file, '--every', '24h')).code).toBe(0);
  expect(await recordOf('units')).toMatchObject({ runs: 0, timing: { every: [{ every: 86_400, offset: 0 }] } });
  await assay('schedule', 'delete', 'units');
}, 120_000);

test('a server that was away makes up for runs within the catch-up window, and counts those beyond it', async () => {
  await assay('schedule', 'create', 'patient', experiment('patient', 200), '--every', '20s');
  await assay('schedule', 'create', 'strict', experiment('strict', 200), '--every', '20s', '--catchup', '10s');
  // Between two times, with nothing under way that what comes back would overlap.
  await until(async () => (await Promise.all(['patient', 'strict'].map(idle))).every(Boolean), 90_000);
  await cluster.kill('temporal');
  const [from, away] = [new Date(), 45_000];
  const back = from.getTime() + away;
  await until(async () => Date.now() >= back, 2 * away);
  await cluster.startServer();
  await until(
    async () => (await recordOf('patient')).looks.some(({ when }) => new Date(when) > from && new Date(when).getTime() < back),
    90_000,
  );
  await until(async () => ((await describeSchedule(cluster.client, 'strict'))?.info.numActionsMissedCatchupWindow ?? 0) > 0, 60_000);
  expect((await describeSchedule(cluster.client, 'patient'))?.info.numActionsMissedCatchupWindow).toBe(0);
  for (const name of ['patient', 'strict']) await assay('schedule', 'pause', name, '--note', 'done');
  const { looks, runs } = await recordOf('patient');
  expect(new Set(looks.map(({ experimentId }) => experimentId)).size).toBe(looks.length);
  expect(runs).toBe(looks.length);
  for (const name of ['patient', 'strict']) await assay('schedule', 'delete', name);
}, 240_000);

test('pools that are killed amid a run lose no look and make none twice', async () => {
  await assay('schedule', 'create', 'killed', experiment('killed', 200, 0.5), '--every', '24h');
  await assay('schedule', 'trigger', 'killed');
  await until(async () => {
    const [running] = await experimentsOf('killed');
    return running !== undefined && (await cluster.progress(running)).stage === 'training';
  }, 60_000);
  for (const pool of ['control', 'analysis'] as const) {
    await cluster.kill(pool);
    cluster.startWorker(pool);
  }
  await until(async () => (await recordOf('killed')).looks.length === 1, 120_000);
  await cluster.kill('control');
  cluster.startWorker('control');
  await assay('schedule', 'trigger', 'killed');
  await until(async () => (await recordOf('killed')).looks.length === 2, 120_000);
  const { looks, runs, failures, ledger } = await recordOf('killed');
  // The second run saw the same data; what it trained is the same as well.
  expect([looks.map(({ look }) => look), runs, failures, ledger.looks.length]).toEqual([[1, 2], 2, [], 1]);
  expect(looks[1]?.decision).toBe('nothing-new');
  await assay('schedule', 'delete', 'killed');
}, 300_000);

const assay = (...args: string[]): Promise<Ended> =>
  at.run(args, { TEMPORAL_ADDRESS: `127.0.0.1:${cluster.frontend}`, TEMPORAL_NAMESPACE: 'default', ASSAY_STORE: cluster.store.url });

/** Has run, and does not now. */
async function idle(name: string): Promise<boolean> {
  const schedule = await describeSchedule(cluster.client, name);
  return schedule !== null && schedule.info.numActionsTaken > 0 && schedule.info.runningActions.length === 0;
}

async function recordOf(name: string): Promise<SeriesRecord> {
  const found = await cluster.store.refs.get<SeriesRecord>(refNames.series(name));
  if (found === null) throw new Error(`no record of ${name}`);
  return found.value;
}

async function resultOf(experimentId: string): Promise<Result> {
  const found = await cluster.store.refs.get<ExperimentRecord>(refNames.experiment(experimentId));
  if (!found?.value.result) throw new Error(`no result of ${experimentId}`);
  return cluster.store.getJson<Result>(found.value.result);
}

async function experimentsOf(series: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { workflowId } of cluster.client.workflow.list({ query: `AssaySeries = "${series}" AND WorkflowType = "experiment"` }))
    found.push(workflowId.slice('assay/'.length));
  return found;
}

function experiment(name: string, rows: number, pause = 0): string {
  writeTable(name, rows);
  const spec = {
    name,
    data: { source: `${name}.csv`, label: 'label', id: 'id', split: { test: 0.5 } },
    training: { command: ['python', trainer], seeds: [1], budget: { steps: 10 } },
    variants: [
      { name: 'control', control: true, params: { noise: 1.5, pause } },
      { name: 'candidate', params: { noise: 1.4, pause } },
    ],
    varies: ['noise'],
    evaluation: { metrics: ['accuracy', 'log_loss'] },
    analysis: { resamples: 1000 },
  };
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(spec));
  return join(folder, `${name}.json`);
}

/** The first rows are the same whatever their number. */
/** Rows from the 400th on have `shift` added to x. */
function writeTable(name: string, rows: number, shift = 0): void {
  let state = 7;
  const uniform = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const lines = Array.from({ length: rows }, (_, i) => {
    const label = i % 2;
    const [x, y] = [uniform() + uniform() + label * 0.8 + (i < 400 ? 0 : shift), uniform() + uniform() - label * 0.6];
    return `r${String(i).padStart(5, '0')},${label === 0 ? 'a' : 'b'},${x.toFixed(5)},${y.toFixed(5)}`;
  });
  writeFileSync(join(folder, `${name}.csv`), `id,label,x,y\n${lines.join('\n')}\n`);
}
