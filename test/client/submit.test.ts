// Proves, on a real server: one key is one experiment, however often, at once, after a crash, or after its end it is used.
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { type Submission, submitExperiment } from '../../src/client';
import { AssayError, type ExperimentInput, type ExperimentRecord, type ProvenanceObject, ids, refNames } from '../../src/contract';
import { loadSpec } from '../../src/contract/loadSpec';
import type { Refs, Store } from '../../src/store';
import { changed, valid } from '../contract/fixtures';
import { freshStore, removeTemporaryFolders } from '../store/helpers';
import { startServer, stopServer } from './environment';

let env: TestWorkflowEnvironment;
const { store } = freshStore();

beforeAll(async () => {
  env = await startServer();
}, 60_000);
afterAll(async () => {
  await stopServer(env);
  removeTemporaryFolders();
});

const submission = (key?: string, text = valid): Submission => ({
  spec: loadSpec(text, { file: 'experiment.yaml', root: '/experiment' }),
  source: text,
  provenance: {
    assay: 'test',
    git: { commit: null, dirty: false, remote: null, diff: null },
    ...{ dvc: null, host: 'here', user: 'me', command: [], environment: {} },
  },
  idempotencyKey: key,
});
const place = (on: Store = store) => ({ client: env.client, store: on });

test('without a key each call is an experiment of its own, stored with who asked and what the file said', async () => {
  const [first, second] = [
    await submitExperiment(place(), { ...submission(), by: 'ci' }),
    await submitExperiment(place(), submission()),
  ] as const;
  expect([first.created, second.created, first.experimentId === second.experimentId]).toEqual([true, true, false]);
  expect(first.workflowId).toBe(ids.experimentWorkflow(first.experimentId));
  const input = await inputOf(first.experimentId);
  expect(input).toMatchObject({ experimentId: first.experimentId, code: null });
  expect(await store.getJson<ProvenanceObject>(input.provenance)).toMatchObject({
    ...{ user: 'ci', host: 'here', source: valid, spec: input.spec.digest },
  });
});

test('200 calls at once with one key start one experiment, and one of them says that it did', async () => {
  const started = await Promise.all(Array.from({ length: 200 }, () => submitExperiment(place(), submission('many'))));
  expect(new Set(started.map(({ experimentId, runId }) => `${experimentId} ${runId}`)).size).toBe(1);
  expect(started.filter(({ created }) => created)).toHaveLength(1);
  // Each call writes to the disk and waits for it.
}, 180_000);

test('the key holds after the experiment has ended, and after the server has forgotten it', async () => {
  const first = await submitExperiment(place(), submission('ended'));
  const handle = env.client.workflow.getHandle(first.workflowId);
  await handle.terminate('the test ends it');
  const again = await submitExperiment(place(), submission('ended'));
  expect(again).toEqual({ ...first, created: false });
  // As registerExperiment writes it, first of all.
  const record = { experimentId: first.experimentId, workflow: { id: first.workflowId, runId: first.runId } } as ExperimentRecord;
  await store.refs.set(refNames.experiment(first.experimentId), record, null);
  await forget(first.workflowId);
  expect(await submitExperiment(place(), submission('ended'))).toEqual({ ...first, created: false });
  await expect(handle.describe()).rejects.toThrow(/not found/);
});

test('a crash between the decision and the start is mended by the next call with the key, under the id decided', async () => {
  const crashing = throwsAfter(store, refNames.idempotency(''));
  await expect(submitExperiment(place(crashing.store), submission('crash'))).rejects.toThrow('killed');
  const [decided] = crashing.written;
  await expect(env.client.workflow.getHandle(ids.experimentWorkflow(decided!)).describe()).rejects.toThrow(/not found/);
  const mended = await submitExperiment(place(), submission('crash'));
  expect(mended).toMatchObject({ experimentId: decided, created: true });
  expect(await submitExperiment(place(), submission('crash'))).toEqual({ ...mended, created: false });
});

test('another spec under the key is a conflict that names the experiment, and starts nothing', async () => {
  const { experimentId } = await submitExperiment(place(), submission('other'));
  const refused = await submitExperiment(place(), submission('other', changed(['epochs: 5', 'epochs: 6']))).catch(
    (error: unknown) => error,
  );
  expect(refused).toBeInstanceOf(AssayError);
  expect(refused).toMatchObject({ type: 'Conflict', message: expect.stringContaining(`"other" named ${experimentId}`) });
});

test('a spec whose code cannot be stored binds no key', async () => {
  const image = `image: trainer@sha256:${'0'.repeat(64)}`;
  const broken = changed(['training:\n', `runtime: {executor: docker, ${image}}\ntraining:\n  code: [absent.py]\n`]);
  await expect(submitExperiment(place(), submission('unbound', broken))).rejects.toThrow(/absent\.py cannot be read/);
  expect((await submitExperiment(place(), submission('unbound'))).created).toBe(true);
});

test.each([
  ['', 0],
  ['k'.repeat(256), 256],
])('a key of no or too many characters is refused', async (key, length) => {
  await expect(submitExperiment(place(), submission(key))).rejects.toMatchObject({
    ...{ type: 'SpecInvalid', message: `the idempotency key has ${length} characters; expected 1 to 255` },
  });
});

async function inputOf(experimentId: string): Promise<ExperimentInput> {
  const { events } = await env.client.workflow.getHandle(ids.experimentWorkflow(experimentId)).fetchHistory();
  const payload = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  return JSON.parse(Buffer.from(payload!.data!).toString('utf8')) as ExperimentInput;
}

/** What the retention of a server does to a workflow that has ended. */
async function forget(workflowId: string): Promise<void> {
  await env.client.workflowService.deleteWorkflowExecution({ namespace: 'default', workflowExecution: { workflowId } });
  const gone = async (): Promise<boolean> =>
    env.client.workflow
      .getHandle(workflowId)
      .describe()
      .then(
        () => false,
        () => true,
      );
  while (!(await gone())) await new Promise((resolve) => setTimeout(resolve, 100));
}

/** A store whose process dies once, right after a name below `prefix` is written. */
function throwsAfter(real: Store, prefix: string): { store: Store; written: string[] } {
  const written: string[] = [];
  const refs = new Proxy(real.refs, {
    get: (target, key: keyof Refs) =>
      key !== 'set'
        ? target[key].bind(target)
        : async (name: string, value: { experimentId: string }, expected: string | null) => {
            const version = await target.set(name, value, expected);
            if (written.length > 0 || !name.startsWith(prefix)) return version;
            written.push(value.experimentId);
            throw new Error('killed');
          },
  });
  const proxied = new Proxy(real, {
    get: (target, key: keyof Store) => {
      const value = target[key];
      return key === 'refs' ? refs : typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
  return { store: proxied, written };
}
