// Proves, on a real server with the real pool and the real workflows: what each update does to an experiment that runs, what it refuses and
// with which sentence, and that a decision waits for weeks, whoever restarts meanwhile. Only what trainers and the analysis compute is made up.
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, type Worker, type WorkflowBundleWithSourceMap, makeTelemetryFilterString } from '@temporalio/worker';
import { cancelExperiment } from '../../src/client';
import { ids, searchAttributes } from '../../src/contract';
import { temporalBinary } from '../../src/stack';
import { until } from '../e2e/cluster';
import { removeTemporaryFolders } from '../store/helpers';
import { Bench, bundleOfSteered, specOf } from './steered/bench';
import { localServer, skippingServer } from '../temporal';

let env: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;
let bench: Bench;

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
  const path = temporalBinary();
  if (path === null) throw new Error('no Temporal server: npm test installs one');
  const attributes = Object.entries(searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]);
  [bundle, env] = await Promise.all([
    bundleOfSteered(),
    localServer({ server: { executable: { type: 'existing-path', path }, extraArgs: attributes } }),
  ]);
  bench = new Bench(env, bundle);
  await bench.open(12);
}, 60_000);

beforeEach(() => {
  bench.started.length = 0;
  bench.classes.length = 0;
  bench.latencies = 0;
  bench.holds.clear();
});

afterAll(async () => {
  await bench?.close();
  await env?.teardown();
  await Runtime.instance().shutdown();
  removeTemporaryFolders();
});

const refused = (id: string, command: Record<string, unknown>, type: 'Conflict' | 'SpecInvalid', message: RegExp): Promise<void> =>
  expect(bench.steer(id, command)).rejects.toMatchObject({ type, message: expect.stringMatching(message) });

describe('pause and resume', () => {
  it('runs that train yield, hold no lease while it is paused, and go on afterwards at no cost of any budget', async () => {
    const id = await bench.submit(specOf({ seeds: [1], candidates: ['b'] }));
    await bench.trains('a/1', 'b/1');
    expect(await bench.steer(id, { action: 'pause', reason: 'the cluster is needed' })).toMatchObject({
      action: 'pause',
      by: 'ada@lab',
      reason: 'the cluster is needed',
    });
    await bench.trains();
    await until(async () => (await bench.pool()).leases.length === 0, 10_000);
    await until(
      async () => (await bench.progress(id)).runs.every(({ state, message }) => state === 'waiting' && message === 'paused'),
      10_000,
    );
    const paused = await bench.progress(id);
    expect(paused).toMatchObject({ stage: 'training', paused: true });
    expect(paused.waitingFor).toMatch(/^assay resume steered-.*; paused by ada@lab at 20.*: the cluster is needed$/);
    await refused(id, { action: 'pause' }, 'Conflict', /is paused already, by ada@lab at 20.*assay resume/);
    expect((await bench.pool()).waiting).toEqual([]);

    await bench.steer(id, { action: 'resume' });
    await bench.trains('a/1', 'b/1');
    await refused(id, { action: 'resume' }, 'Conflict', /is not paused, its stage is training; there is nothing to resume/);
    bench.finish('a/1', 'b/1');
    const result = await bench.result(id);
    expect([...bench.started].sort()).toEqual(['a/1/1', 'a/1/2', 'b/1/1', 'b/1/2']);
    for (const run of bench.analysed.get(id)?.runs ?? []) {
      expect(run).toMatchObject({ status: 'done', failures: { crash: 0, infrastructure: 0, preemption: 0, outOfMemory: 0 } });
      expect(run.findings).toEqual(['epoch 1 on host-a: paused']);
    }
    expect(result.audit.map(({ action, reason }) => [action, reason])).toEqual([
      ['pause', 'the cluster is needed'],
      ['resume', ''],
    ]);
    await refused(id, { action: 'pause' }, 'Conflict', /is done; `assay show steered-/);
  }, 60_000);

  it('one that is paused before it trains checks its data and begins no run', async () => {
    const open = hold('snapshot');
    const id = await bench.submit(specOf({ seeds: [1], candidates: ['b'] }));
    await bench.stage(id, 'snapshot');
    await bench.steer(id, { action: 'pause' });
    open();
    await bench.stage(id, 'checks');
    await until(async () => (await events(id, 'checkData')) === 1, 10_000);
    await bench.steer(id, { action: 'changePriority', qos: 'guaranteed' });
    expect(bench.started).toEqual([]);
    expect((await bench.pool()).waiting).toEqual([]);
    await bench.steer(id, { action: 'resume' });
    await bench.trains('a/1', 'b/1');
    expect(bench.classes).toEqual(['guaranteed', 'guaranteed']);
    await bench.finishAll(id);
  }, 60_000);

  it('a request that waits is taken back, and asked anew after the resume', async () => {
    const others = await bench.submit(specOf({ seeds: [1, 2, 3, 4, 5, 6], candidates: ['b'] }));
    await until(async () => bench.running.size === 12, 20_000);
    const id = await bench.submit(specOf({ seeds: [7], candidates: ['b'] }));
    await until(async () => (await bench.pool()).waiting.length === 2, 10_000);
    await bench.steer(id, { action: 'pause' });
    await until(async () => (await bench.pool()).waiting.length === 0, 10_000);
    bench.finish('a/1', 'b/1');
    await until(async () => (await bench.pool()).leases.length === 10, 10_000);
    expect(bench.started).toHaveLength(12);
    await bench.steer(id, { action: 'resume' });
    await until(async () => bench.running.has('a/7') && bench.running.has('b/7'), 20_000);
    expect(bench.started.slice(12).sort()).toEqual(['a/7/1', 'b/7/1']);
    await Promise.all([bench.finishAll(others), bench.finishAll(id)]);
  }, 60_000);

  it('latency that waits for a host is held back; latency that is measured goes to its end', async () => {
    const others = await bench.submit(specOf({ seeds: [8], candidates: ['b'] }));
    await bench.trains('a/8', 'b/8');
    const id = await bench.submit(
      specOf({ seeds: [1], candidates: ['b'], more: { evaluation: { metrics: ['accuracy', 'latency_p50'] } } }),
    );
    await bench.trains('a/1', 'b/1', 'a/8', 'b/8');
    bench.finish('a/1', 'b/1');
    await bench.stage(id, 'latency');
    await until(async () => (await bench.pool()).waiting.length === 1, 10_000);
    await bench.steer(id, { action: 'pause' });
    await until(async () => (await bench.pool()).waiting.length === 0, 10_000);
    await bench.finishAll(others);
    expect(bench.latencies).toBe(0);
    const open = hold('latency');
    await bench.steer(id, { action: 'resume' });
    await until(async () => bench.latencies === 1, 20_000);
    await refused(id, { action: 'pause' }, 'Conflict', /measures latency, which goes to its end/);
    open();
    await bench.result(id);
    expect(bench.latencies).toBe(1);
  }, 60_000);

  it('a paused experiment can be cancelled', async () => {
    const id = await bench.submit(specOf({ seeds: [1], candidates: ['b'] }));
    await bench.trains('a/1', 'b/1');
    await bench.steer(id, { action: 'pause' });
    await bench.trains();
    await cancelExperiment(env.client, id);
    await expect(bench.ended(id)).rejects.toThrow();
    expect(await bench.record(id)).toMatchObject({ status: 'cancelled', message: 'cancelled on request' });
    await refused(id, { action: 'resume' }, 'Conflict', /has ended: cancell?ed/);
    await until(async () => (await bench.pool()).leases.length === 0, 10_000);
  }, 60_000);
});

describe('stopVariant', () => {
  it('ends the runs of one candidate: what it has finished stays, the others go on, and the plan says so', async () => {
    const id = await bench.submit(specOf());
    await bench.trains('a/1', 'a/2', 'b/1', 'b/2', 'c/1', 'c/2');
    bench.finish('b/1');
    await until(
      async () => (await bench.progress(id)).runs.some(({ variant, seed, state }) => variant === 'b' && seed === 1 && state === 'done'),
      10_000,
    );
    await refused(id, { action: 'stopVariant', variant: 'b' }, 'SpecInvalid', /reason: expected why/);
    const why = { reason: 'it diverges' };
    await refused(id, { action: 'stopVariant', variant: 'a', ...why }, 'SpecInvalid', /a is the control of steered-.*assay cancel/);
    await refused(id, { action: 'stopVariant', variant: 'd', ...why }, 'SpecInvalid', /has no variant "d"; its candidates are b, c$/);
    await bench.steer(id, { action: 'stopVariant', variant: 'b', ...why });
    await bench.trains('a/1', 'a/2', 'c/1', 'c/2');
    await refused(id, { action: 'stopVariant', variant: 'b', ...why }, 'Conflict', /b of steered-.* is stopped already, by ada@lab/);
    await refused(id, { action: 'stopVariant', variant: 'c', ...why }, 'Conflict', /c is the last candidate/);
    await until(async () => (await bench.pool()).leases.length === 4, 10_000);
    const { runs } = await bench.progress(id);
    expect(runs.find(({ variant, seed }) => variant === 'b' && seed === 2)).toMatchObject({
      state: 'cancelled',
      message: 'stopped by ada@lab: it diverges',
    });
    await bench.finishAll(id);
    const input = bench.analysed.get(id);
    expect(input?.plan.plan).toMatchObject({ seeds: [1, 2], stopped: ['b'] });
    expect(input?.runs.map(({ key, status, failure }) => [key.variant, key.seed, status, failure?.type ?? null])).toEqual([
      ['a', 1, 'done', null],
      ['b', 1, 'done', null],
      ['c', 1, 'done', null],
      ['c', 2, 'done', null],
      ['b', 2, 'failed', 'Stopped'],
      ['a', 2, 'done', null],
    ]);
  }, 60_000);

  it('comes too late once every run of the candidate has ended, since choosing what is compared after a look is no stop', async () => {
    const id = await bench.submit(specOf({ seeds: [1] }));
    await bench.trains('a/1', 'b/1', 'c/1');
    bench.finish('b/1');
    await until(async () => (await bench.progress(id)).runs.filter(({ state }) => state === 'done').length === 1, 10_000);
    await refused(
      id,
      { action: 'stopVariant', variant: 'b', reason: 'it lost' },
      'Conflict',
      /every run of b of steered-.* has ended.*is compared/,
    );
    await bench.finishAll(id);
  }, 60_000);

  it('ends runs of a paused experiment that wait', async () => {
    const id = await bench.submit(specOf({ seeds: [1] }));
    await bench.trains('a/1', 'b/1', 'c/1');
    await bench.steer(id, { action: 'pause' });
    await bench.trains();
    await bench.steer(id, { action: 'stopVariant', variant: 'c', reason: 'not needed' });
    await until(async () => (await bench.progress(id)).runs.some(({ variant, state }) => variant === 'c' && state === 'cancelled'), 10_000);
    await bench.steer(id, { action: 'resume' });
    await bench.trains('a/1', 'b/1');
    await bench.finishAll(id);
  }, 60_000);
});

describe('addSeeds', () => {
  it('trains every variant under them as well, in turns with the others, and the plan tells which were registered', async () => {
    const id = await bench.submit(specOf({ candidates: ['b'] }));
    await bench.trains('a/1', 'b/1', 'a/2', 'b/2');
    await refused(id, { action: 'addSeeds', seeds: [] }, 'SpecInvalid', /seeds: expected one or more/);
    await refused(id, { action: 'addSeeds', seeds: [2] }, 'SpecInvalid', /seeds: 2 of steered-.* is there already; its seeds are 1, 2$/);
    await refused(id, { action: 'addSeeds', seeds: [3, 3] }, 'SpecInvalid', /seeds: 3 is listed twice/);
    for (const seed of [-1, 1.5, 2 ** 32, 'x']) {
      await refused(id, { action: 'addSeeds', seeds: [seed] }, 'SpecInvalid', /seeds: expected whole numbers from 0 to 4294967295, got/);
    }
    await bench.steer(id, { action: 'addSeeds', seeds: [3, 4], reason: 'the interval is wide' });
    await bench.trains('a/1', 'b/1', 'a/2', 'b/2', 'a/3', 'b/3', 'a/4', 'b/4');
    expect((await bench.progress(id)).runs.map(({ variant, seed }) => `${variant}/${seed}`)).toEqual([
      'a/1',
      'b/1',
      'b/2',
      'a/2',
      'a/3',
      'b/3',
      'b/4',
      'a/4',
    ]);
    await bench.finishAll(id);
    expect(bench.analysed.get(id)?.plan).toMatchObject({ seeds: [1, 2, 3, 4], plan: { seeds: [1, 2, 3, 4], addedSeeds: [3, 4] } });
    expect(bench.analysed.get(id)?.runs).toHaveLength(8);
  }, 60_000);

  it('climbs the ladder with the rest when it is out of memory', async () => {
    const id = await bench.submit(specOf({ seeds: [1], candidates: ['b'] }));
    await bench.trains('a/1', 'b/1');
    bench.finish('a/1');
    await bench.trains('b/1');
    await bench.steer(id, { action: 'addSeeds', seeds: [2] });
    await bench.trains('b/1', 'a/2', 'b/2');
    bench.starve('b/2');
    await bench.trains('a/1', 'b/1', 'a/2', 'b/2');
    await bench.finishAll(id);
    for (const { remedy, status } of bench.analysed.get(id)?.runs ?? []) expect([status, remedy.level]).toEqual(['done', 1]);
    expect(bench.started.filter((run) => run.startsWith('a/1'))).toEqual(['a/1/1', 'a/1/2']);
  }, 60_000);

  it('while latency is measured trains them, and measures again what is compared; once the analysis has begun it is refused', async () => {
    const open = hold('latency');
    const id = await bench.submit(
      specOf({ seeds: [1], candidates: ['b'], more: { evaluation: { metrics: ['accuracy', 'latency_p50'] } } }),
    );
    await bench.trains('a/1', 'b/1');
    bench.finish('a/1', 'b/1');
    await until(async () => bench.latencies === 1, 20_000);
    await bench.steer(id, { action: 'addSeeds', seeds: [5] });
    open();
    await bench.trains('a/5', 'b/5');
    const analyse = hold('analysis');
    bench.finish('a/5', 'b/5');
    await bench.stage(id, 'analysis');
    expect(bench.latencies).toBe(2);
    await refused(
      id,
      { action: 'addSeeds', seeds: [9] },
      'Conflict',
      /is past its last run, its stage is analysis: seeds can be added until/,
    );
    await refused(id, { action: 'pause' }, 'Conflict', /no run is left to pause/);
    await refused(id, { action: 'changePriority', qos: 'besteffort' }, 'Conflict', /no lease is left to ask for/);
    analyse();
    await bench.result(id);
  }, 60_000);

  it('is refused where nothing is trained', async () => {
    const open = hold('snapshot');
    const models = {
      variants: [
        { name: 'a', control: true, model: './a', params: { h: 1 } },
        { name: 'b', model: './b', params: { h: 2 } },
      ],
    };
    const id = await bench.submit(specOf({ candidates: [], more: models }));
    await bench.stage(id, 'snapshot');
    await refused(id, { action: 'addSeeds', seeds: [9] }, 'SpecInvalid', /every variant of steered-.* is a trained model/);
    open();
    await bench.finishAll(id);
  }, 60_000);
});

describe('changePriority', () => {
  it('is of leases that are not granted yet, and a waiting request keeps its place in the line', async () => {
    const others = await bench.submit(specOf({ seeds: [1, 2, 3, 4, 5, 6], candidates: ['b'] }));
    await until(async () => bench.running.size === 12, 20_000);
    const id = await bench.submit(specOf({ seeds: [7], candidates: ['b'] }));
    await until(async () => (await bench.pool()).waiting.length === 2, 10_000);
    const before = (await bench.pool()).waiting;
    await refused(id, { action: 'changePriority', qos: 'vip' }, 'SpecInvalid', /qos: expected guaranteed, standard, besteffort, got "vip"/);
    await refused(id, { action: 'changePriority', qos: 'standard' }, 'Conflict', /is of class standard already/);
    await bench.steer(id, { action: 'changePriority', qos: 'guaranteed' });
    await until(async () => (await bench.pool()).waiting.every(({ request }) => request.qos === 'guaranteed'), 10_000);
    const after = (await bench.pool()).waiting;
    const line = (waiting: typeof before) => waiting.map(({ request, since }) => `${request.requestId} ${since}`).sort();
    expect(line(after)).toEqual(line(before));
    bench.classes.length = 0;
    bench.finish('a/1', 'b/1');
    await until(async () => bench.running.has('a/7') && bench.running.has('b/7'), 20_000);
    expect(bench.classes).toEqual(['guaranteed', 'guaranteed']);
    await Promise.all([bench.finishAll(others), bench.finishAll(id)]);
  }, 60_000);
});

describe('approve and reject', () => {
  const asking = { seeds: [1], candidates: ['b'], more: { decision: { approval: true } } };

  it('a verdict waits with its report in the record, and stands once it is approved', async () => {
    const id = await bench.submit(specOf(asking));
    await bench.trains('a/1', 'b/1');
    await refused(id, { action: 'approve' }, 'Conflict', /has no verdict to approve yet, its stage is training; `assay watch/);
    bench.finish('a/1', 'b/1');
    await bench.stage(id, 'approval');
    const waiting = await bench.record(id);
    expect(waiting).toMatchObject({ status: 'running', finishedAt: null, approval: { state: 'waiting' }, verdict: { outcome: 'adopt' } });
    expect((await bench.store.get(waiting.report as NonNullable<typeof waiting.report>)).toString()).toBe('approval: waiting');
    expect((await bench.progress(id)).waitingFor).toMatch(/assay approve steered-.*assay reject steered-.* --reason TEXT/);
    await refused(id, { action: 'reject' }, 'SpecInvalid', /reason: expected why/);
    await refused(id, { action: 'pause' }, 'Conflict', /its stage is approval: no run is left to pause/);
    await bench.steer(id, { action: 'approve', reason: 'read it' });
    const result = await bench.result(id);
    const record = await bench.record(id);
    expect(result.approval).toMatchObject({ state: 'approved', by: 'ada@lab', reason: 'read it', at: expect.stringMatching(/^20/) });
    expect(result.audit.map(({ action }) => action)).toEqual(['approve']);
    expect(result.verdict).toMatchObject({ outcome: 'adopt' });
    expect(record).toMatchObject({ status: 'done', approval: { state: 'approved', by: 'ada@lab' } });
    expect((await bench.store.get(record.report as NonNullable<typeof record.report>)).toString()).toBe('approval: approved');
    expect(await bench.ended(id)).toMatchObject({ approval: { state: 'approved' } });
  }, 60_000);

  it('a rejected one keeps its outcome and ships nothing', async () => {
    const id = await waiting(asking);
    await bench.steer(id, { action: 'reject', reason: 'the data are from before the recall' });
    const { verdict, approval } = await bench.result(id);
    expect(verdict).toMatchObject({ outcome: 'adopt', variant: null });
    expect(verdict.sentence).toMatch(/Rejected by ada@lab: the data are from before the recall. Nothing is to be shipped$/);
    expect(approval).toMatchObject({ state: 'rejected', by: 'ada@lab' });
    expect((await bench.record(id)).verdict).toEqual(verdict);
  }, 60_000);

  it('of two who decide at once one wins, and the other hears who', async () => {
    const id = await waiting(asking);
    const ended = await Promise.allSettled([
      bench.steer(id, { action: 'approve', by: 'ada@lab' }),
      bench.steer(id, { action: 'reject', by: 'bob@lab', reason: 'no' }),
    ]);
    expect(ended.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const { approval, audit } = await bench.result(id);
    const lost = ended.find((one) => one.status === 'rejected') as PromiseRejectedResult;
    expect(lost.reason).toMatchObject({ type: 'Conflict' });
    expect(String(lost.reason.message)).toMatch(/was (approved|rejected) by (ada|bob)@lab at 20.*; a decision stands|is done/);
    expect(audit).toHaveLength(1);
    expect(audit[0]?.by).toBe(approval?.by);
  }, 60_000);

  it('one that asks for no approval says so, and one that waits can be cancelled', async () => {
    const plain = await bench.submit(specOf({ seeds: [1], candidates: ['b'] }));
    await bench.trains('a/1', 'b/1');
    await refused(plain, { action: 'approve' }, 'Conflict', /asks for no approval: decision.approval is false/);
    await bench.finishAll(plain);
    const id = await waiting(asking);
    await cancelExperiment(env.client, id);
    await expect(bench.ended(id)).rejects.toThrow();
    expect(await bench.record(id)).toMatchObject({ status: 'cancelled', message: 'cancelled on request; nobody had approved its verdict' });
  }, 60_000);

  it('whoever cancels after the decision comes too late: it is done, and stays so', async () => {
    const id = await waiting(asking);
    const open = hold('decision');
    await bench.steer(id, { action: 'approve' });
    await bench.stage(id, 'report');
    await cancelExperiment(env.client, id);
    open();
    await expect(bench.ended(id)).resolves.toMatchObject({ approval: { state: 'approved' } });
    expect(await bench.record(id)).toMatchObject({ status: 'done', message: null, approval: { state: 'approved' } });
  }, 60_000);

  it('who or why that is too long or missing is refused, and so is an experiment that is not there', async () => {
    const id = await waiting(asking);
    await refused(id, { action: 'approve', by: '' }, 'SpecInvalid', /by: expected who asks/);
    await refused(id, { action: 'approve', reason: 'x'.repeat(501) }, 'SpecInvalid', /reason: expected a text of at most 500 characters/);
    await expect(bench.steer('digits-20200101-000000-0000', { action: 'pause' })).rejects.toMatchObject({ type: 'NotFound' });
    await bench.steer(id, { action: 'approve' });
    await bench.ended(id);
  }, 60_000);

  async function waiting(spec: Parameters<typeof specOf>[0]): Promise<string> {
    const id = await bench.submit(specOf(spec));
    await bench.trains('a/1', 'b/1');
    bench.finish('a/1', 'b/1');
    await bench.stage(id, 'approval');
    return id;
  }
});

describe('forty days', () => {
  it('pass without a timer, over a restart of the worker, and the verdict still waits', async () => {
    const path = process.env.ASSAY_TEST_SERVER;
    if (!path) throw new Error('ASSAY_TEST_SERVER names no time-skipping test server: npm test installs one');
    const later = await skippingServer({ server: { executable: { type: 'existing-path', path } } });
    const old = new Bench(later, bundle, { sticky: false });
    try {
      const types = { Keyword: 2, Double: 4 } as const;
      await later.connection.operatorService.addSearchAttributes({
        namespace: 'default',
        searchAttributes: Object.fromEntries(Object.entries(searchAttributes).map(([name, type]) => [name, types[type]])),
      });
      const gate = {
        name: 'made-up',
        status: 'fail',
        gate: true,
        statistic: null,
        pValue: null,
        detail: 'nothing is trained here',
      } as const;
      const control: Worker = await old.openWithoutHosts(gate);
      const id = await old.submit(specOf({ more: { decision: { approval: true } } }));
      await old.stage(id, 'approval');
      const handle = later.client.workflow.getHandle(ids.experimentWorkflow(id));
      const before = Number((await handle.fetchHistory()).events?.length);
      await old.stop(control);
      await later.sleep('40 days');
      await old.startControl();
      expect(await old.progress(id)).toMatchObject({ stage: 'approval', approval: { state: 'waiting' } });
      const history = (await handle.fetchHistory()).events ?? [];
      expect(history.length).toBeLessThan(before + 4);
      expect(history.filter(({ timerStartedEventAttributes }) => timerStartedEventAttributes)).toEqual([]);
      const { at } = await old.steer(id, { action: 'approve' });
      const result = await old.result(id);
      expect(Date.parse(at) - Date.parse((await old.record(id)).startedAt)).toBeGreaterThan(30 * 86_400_000);
      expect(result.approval).toMatchObject({ state: 'approved', at });
    } finally {
      await old.close();
      await later.teardown();
    }
  }, 60_000);
});

/** Keeps an activity of this kind from ending until the answer is called. */
function hold(what: 'snapshot' | 'latency' | 'analysis' | 'decision'): () => void {
  let open: () => void = () => undefined;
  bench.holds.set(what, new Promise((resolve) => (open = resolve)));
  return () => {
    open();
    bench.holds.delete(what);
  };
}

async function events(id: string, activity: string): Promise<number> {
  const { events: all } = await env.client.workflow.getHandle(ids.experimentWorkflow(id)).fetchHistory();
  const scheduled = (all ?? []).filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity);
  const done = (all ?? []).filter((event) =>
    scheduled.some(({ eventId }) => String(event.activityTaskCompletedEventAttributes?.scheduledEventId) === String(eventId)),
  );
  return done.length;
}
