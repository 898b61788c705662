// Proves: today's workflow code replays every recorded history, and the gate notices code that does not.
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DefaultLogger, Runtime, Worker, bundleWorkflowCode, makeTelemetryFilterString } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import * as workflows from '../../src/workflows';

const source = join(__dirname, '..', '..', 'src');
const folder = join(__dirname, 'histories');
const histories = readdirSync(folder).filter((file) => file.endsWith('.json'));

const broken = mkdtempSync(join(tmpdir(), 'assay-broken-'));

beforeAll(() => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
});

afterAll(async () => {
  rmSync(broken, { recursive: true, force: true });
  await Runtime.instance().shutdown();
});

test('the recorded histories show a workflow that ended well, one that was cancelled, one that failed and one whose trainer died', () => {
  const ends = histories.map((file) => events(file).at(-1)?.eventType);
  expect(ends).toContain('EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED');
  expect(ends).toContain('EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED');
  expect(ends).toContain('EVENT_TYPE_WORKFLOW_EXECUTION_FAILED');
  const trained = events('variant-run-crashed.json').filter((event) => scheduled(event) === 'trainVariant');
  expect(trained).toHaveLength(2);
});

test('the recorded histories show an experiment that trained and one whose gate kept it from training', () => {
  const children = (file: string): number =>
    events(file).filter(({ eventType }) => eventType === 'EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED').length;
  expect(children('experiment-done.json')).toBe(4);
  expect(children('experiment-gate-failed.json')).toBe(0);
});

test('every workflow has a recorded history', () => {
  const recorded = new Set(histories.map((file) => events(file)[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name));
  expect(Object.keys(workflows).filter((name) => !recorded.has(name))).toEqual([]);
});

test('the recorded histories are small', () => {
  const bytes = histories.reduce((sum, file) => sum + readFileSync(join(folder, file)).length, 0);
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(400 * 1024);
});

test('the workflows replay every recorded history', async () => {
  expect(await replay(source)).toEqual(histories.map((file) => ({ file, error: null })));
});

test('an activity that was not there when the history was made is a determinism violation', async () => {
  symlinkSync(join(source, '..', 'node_modules'), join(broken, 'node_modules'));
  for (const room of ['contract', 'placement', 'workflows']) cpSync(join(source, room), join(broken, room), { recursive: true });
  for (const [file, first] of [
    ['experiment.ts', "enter('checks');"],
    ['variantRun.ts', 'const held = await leases.acquire('],
    ['seriesRun.ts', "const opened = await control('open a look')"],
    ['series.ts', 'await pauseSeries('],
    ['gpuPool.ts', 'settle();\n    show();'],
    ['maintain.ts', 'const scrub = await'],
  ] as const) {
    const path = join(broken, 'workflows', file);
    const code = readFileSync(path, 'utf8');
    expect(code).toContain(first);
    const more = "await proxyActivities<{ more(): Promise<void> }>({ startToCloseTimeout: '1m' }).more();";
    writeFileSync(path, code.replace(first, `${more}\n${first}`));
  }
  const errors = new Map((await replay(broken)).map(({ file, error }) => [file, error]));
  expect(errors.get('experiment-done.json')).toBe(DeterminismViolationError.name);
  expect(errors.get('experiment-gate-failed.json')).toBe(DeterminismViolationError.name);
  expect(errors.get('variant-run-done.json')).toBe(DeterminismViolationError.name);
  expect(errors.get('variant-run-cancelled.json')).toBe(DeterminismViolationError.name);
  for (const file of ['series-run-done.json', 'series-run-failed.json', 'series.json', 'gpu-pool.json', 'maintain.json'])
    expect([file, errors.get(file)]).toEqual([file, DeterminismViolationError.name]);
});

/** Kind of the error of each history, null where it replays. */
async function replay(from: string): Promise<{ file: string; error: string | null }[]> {
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: join(from, 'workflows', 'index.ts'),
    workflowInterceptorModules: [join(from, 'workflows', 'interceptors.ts')],
    logger: new DefaultLogger('ERROR'),
  });
  const input = histories.map((file) => ({
    workflowId: idOf(file),
    history: JSON.parse(readFileSync(join(folder, file), 'utf8')) as object,
  }));
  const results: { file: string; error: string | null }[] = [];
  for await (const { error } of Worker.runReplayHistories({ workflowBundle, replayName: 'replay' }, input)) {
    results.push({ file: histories[results.length] as string, error: error ? error.constructor.name : null });
  }
  return results;
}

interface Event {
  eventType: string;
  activityTaskScheduledEventAttributes?: { activityType: { name: string } };
  workflowExecutionStartedEventAttributes?: { workflowId: string; workflowType?: { name: string } };
}

const events = (file: string): Event[] => (JSON.parse(readFileSync(join(folder, file), 'utf8')) as { events: Event[] }).events;
const idOf = (file: string): string => events(file)[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? file;
const scheduled = (event: Event): string | undefined => event.activityTaskScheduledEventAttributes?.activityType.name;
