// Proves, with the real command against a real server: what each steering command prints, with which exit code it refuses, and that watching
// ends where a verdict waits for a person.
import { userInfo, hostname } from 'node:os';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, makeTelemetryFilterString } from '@temporalio/worker';
import { type AuditEntry, type Result, searchAttributes } from '../../src/contract';
import { temporalBinary } from '../../src/stack';
import { until } from '../e2e/cluster';
import { removeTemporaryFolders } from '../store/helpers';
import { Bench, bundleOfSteered, specOf } from '../workflows/steered/bench';
import { type Desk, type Ended, desk } from './assay';
import { localServer } from '../temporal';

let env: TestWorkflowEnvironment;
let bench: Bench;
let own: Desk;

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) } },
  });
  const path = temporalBinary();
  if (path === null) throw new Error('no Temporal server: npm test installs one');
  const attributes = Object.entries(searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]);
  const [bundle, started] = await Promise.all([
    bundleOfSteered(),
    localServer({ server: { executable: { type: 'existing-path', path }, extraArgs: attributes } }),
  ]);
  env = started;
  bench = new Bench(env, bundle);
  await bench.open(8);
  own = desk();
}, 60_000);

afterAll(async () => {
  await bench?.close();
  await env?.teardown();
  await Runtime.instance().shutdown();
  own?.remove();
  removeTemporaryFolders();
});

const assay = (...args: string[]): Promise<Ended> =>
  own.run(args, { TEMPORAL_ADDRESS: env.address, TEMPORAL_NAMESPACE: 'default', ASSAY_STORE: bench.store.url });

const caller = `${userInfo().username}@${hostname()}`;

test('a person pauses, stops a variant, adds seeds, raises the class, resumes and approves, each with one line', async () => {
  const id = await bench.submit(specOf({ seeds: [1], more: { decision: { approval: true } } }));
  await bench.trains('a/1', 'b/1', 'c/1');

  // By the start of its id, as everywhere.
  const paused = await assay('pause', id.slice(0, -2), '--reason', 'the hosts are needed');
  expect(paused).toEqual({ code: 0, err: '', out: `paused ${id}: no run starts, and running ones yield at their next checkpoint\n` });
  expect(await assay('pause', id)).toMatchObject({
    code: 3,
    out: '',
    err: expect.stringMatching(/^Conflict .* is paused already, by .*; `assay resume/),
  });
  await bench.trains();

  expect(await assay('stop-variant', id, 'c')).toMatchObject({ code: 2, err: expect.stringMatching(/^SpecInvalid reason: expected why/) });
  expect((await assay('stop-variant', id, 'c', '--reason', 'diverges')).out).toBe(
    `stopped a variant of ${id}: the runs of c end, and it is not compared\n`,
  );
  expect(await assay('stop-variant', id, 'nobody', '--reason', 'x')).toMatchObject({
    code: 2,
    err: expect.stringContaining('has no variant "nobody"'),
  });

  const added = await assay('add-seeds', id, '2', '--json');
  expect(added).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(added.out) as AuditEntry).toEqual({
    experiment: id,
    action: 'addSeeds',
    by: caller,
    reason: '',
    at: expect.stringMatching(/^20/),
    detail: 'every variant is trained under seed 2 as well',
  });
  expect(await assay('add-seeds', id, '1.5')).toMatchObject({ code: 2, err: expect.stringContaining('whole number') });
  expect((await assay('priority', id, 'guaranteed')).out).toBe(
    `changed the class of ${id}: leases not yet granted are of class guaranteed\n`,
  );
  expect(await assay('priority', id, 'vip')).toMatchObject({ code: 2 });

  expect((await assay('resume', id)).code).toBe(0);
  await bench.trains('a/1', 'b/1', 'a/2', 'b/2');
  expect(await assay('approve', id)).toMatchObject({ code: 3, err: expect.stringMatching(/^Conflict .* has no verdict to approve yet/) });
  bench.finish('a/1', 'b/1', 'a/2', 'b/2');

  const watched = await assay('watch', id);
  expect(watched.code).toBe(0);
  expect(watched.out).toContain(`It waits for approval: assay approve ${id}, or assay reject ${id} --reason TEXT.`);
  expect(watched.out).toMatch(/What was done to it while it ran\n.*paused: no run starts/s);
  expect((await assay('list')).out).toMatch(/running {4}adopt +waits for approval: /);

  expect((await assay('approve', id, '--reason', 'read it')).out).toBe(`approved ${id}: the verdict stands\n`);
  await bench.ended(id);
  expect((await assay('report', id, '--format', 'md')).out).toMatch(
    new RegExp(`\\*\\*Approval\\.\\*\\* Approved by .*: read it.*### What was done to it while it ran.*stopped a variant`, 's'),
  );
  const { approval, audit } = JSON.parse((await assay('report', id, '--format', 'json')).out) as Result;
  expect(approval).toMatchObject({ state: 'approved', by: caller, reason: 'read it' });
  expect(audit.map(({ action }) => action)).toEqual(['pause', 'stopVariant', 'addSeeds', 'changePriority', 'resume', 'approve']);
  expect(await assay('reject', id, '--reason', 'late')).toMatchObject({ code: 3, err: expect.stringMatching(/^Conflict .* is done/) });
}, 120_000);

test('an experiment that nobody knows is named', async () => {
  expect(await assay('pause', 'nobody-20260101-000000-0000')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^NotFound no experiment "nobody/),
  });
}, 60_000);

test('a verdict that is rejected needs a reason, and says that nothing is shipped', async () => {
  const id = await bench.submit(specOf({ seeds: [1], candidates: ['b'], more: { decision: { approval: true } } }));
  await bench.trains('a/1', 'b/1');
  bench.finish('a/1', 'b/1');
  await bench.stage(id, 'approval');
  expect(await assay('reject', id)).toMatchObject({ code: 2, err: expect.stringMatching(/^SpecInvalid reason: expected why/) });
  expect((await assay('reject', id, '--reason', 'old data')).out).toBe(`rejected ${id}: nothing is shipped, whatever the verdict\n`);
  await until(async () => (await bench.record(id)).status === 'done', 20_000);
  expect((await assay('show', id)).out).toMatch(/Rejected by .*: old data\. Nothing is to be shipped\./);
}, 60_000);
