import { createHash, randomBytes } from 'node:crypto';
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import {
  AssayError,
  type ExperimentInput,
  type ExperimentRecord,
  type IdempotencyRecord,
  type ProvenanceObject,
  type Ref,
  type ResolvedSpec,
  type StartedExperiment,
  ids,
  refNames,
} from '../contract';
import { RefConflict, type Store } from '../store';
import { snapshotCode } from './code';
import { type Summary, aboutSpec } from './about';
import { experimentWorkflow } from './experiments';
import { priorityOf } from './weights';

export interface Submission {
  spec: ResolvedSpec;
  /** The experiment file as its author wrote it. */
  source: string;
  /** Who started it from which code; the digest of the spec and the source are added. */
  provenance: Omit<ProvenanceObject, 'spec' | 'source'>;
  /** 1 to 255 characters. The same key gives the same experiment, also after that has ended. */
  idempotencyKey?: string | undefined;
  /** Who asks, where that is not the user of this process. */
  by?: string | undefined;
}

/** Where an experiment is started. */
export interface Place {
  client: Client;
  store: Store;
}

/** All that `experiment` needs, in the store under an id that is decided. */
export interface PreparedExperiment {
  input: ExperimentInput;
  summary: Summary;
}

/**
 * Stores the spec, the code and where they come from, and starts the experiment. With a key, whoever comes first decides the id before
 * anything starts; a call that finds the id decided starts it only where nobody has, so that a crash between the two loses nothing.
 * Throws `Conflict` where the key named another spec, `SpecInvalid` for a key that is none.
 */
export async function submitExperiment({ client, store }: Place, submission: Submission): Promise<StartedExperiment> {
  const known = await findSubmitted(store, submission);
  if (known !== null) return known;
  const { input, summary } = await prepareExperiment(store, submission);
  const { experimentId } = input;
  const workflowId = ids.experimentWorkflow(experimentId);
  try {
    const { firstExecutionRunId: runId } = await client.workflow.start('experiment', {
      ...experimentWorkflow(input, summary),
      // An id that was ever used is taken: neither joined unseen, nor run a second time once it has ended.
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
    });
    return { experimentId, workflowId, runId, created: true };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    // Without a key the id is new: another experiment of this second drew the same characters.
    if (submission.idempotencyKey === undefined) return submitExperiment({ client, store }, submission);
    const { runId } = await client.workflow.getHandle(workflowId).describe();
    return { experimentId, workflowId, runId, created: false };
  }
}

/**
 * The experiment that the key started before, from the record that every experiment writes first: a server forgets what has ended after its
 * retention, the store does not. Null where there is no key, or nothing has started under it.
 */
export async function findSubmitted(store: Store, { spec, idempotencyKey: key }: Keyed): Promise<StartedExperiment | null> {
  if (key === undefined) return null;
  const decided = await store.refs.get<IdempotencyRecord>(refOf(key));
  if (decided === null) return null;
  const experimentId = sameSpec(decided.value, await store.putJson(spec));
  const record = await store.refs.get<ExperimentRecord>(refNames.experiment(experimentId));
  if (record === null) return null;
  const { id, runId } = record.value.workflow;
  return { experimentId, workflowId: id, runId, created: false };
}

/**
 * Stores what `experiment` needs and decides its id, for whoever starts it: this client, another workflow as its child, an operation. `given`
 * was decided and stored before.
 */
export async function prepareExperiment(
  store: Store,
  submission: Submission,
  given: { experimentId?: string; code?: Ref | null } = {},
): Promise<PreparedExperiment> {
  const { spec, source, provenance, by } = submission;
  const ref = await store.putJson(spec);
  const whence: ProvenanceObject = { ...provenance, user: by ?? provenance.user, spec: ref.digest, source };
  const [record, code] = await Promise.all([store.putJson(whence), given.code === undefined ? snapshotCode(store, spec) : given.code]);
  // Last, so that a key is bound to nothing that cannot start.
  const experimentId = given.experimentId ?? (await decideId(store, submission, ref));
  return {
    input: { experimentId, spec: ref, provenance: record, code },
    summary: { ...aboutSpec(spec), priority: await priorityOf(store, spec) },
  };
}

type Keyed = Pick<Submission, 'spec' | 'idempotencyKey'>;

async function decideId(store: Store, { spec, idempotencyKey: key }: Keyed, ref: Ref): Promise<string> {
  const experimentId = ids.experiment(spec.name, new Date(), randomBytes(4).toString('hex'));
  if (key === undefined) return experimentId;
  const at = new Date().toISOString();
  const record: IdempotencyRecord = { schema: 'assay.idempotency/1', key, spec: ref.digest, experimentId, at };
  for (;;) {
    const found = await store.refs.get<IdempotencyRecord>(refOf(key));
    if (found !== null) return sameSpec(found.value, ref);
    try {
      await store.refs.set(refOf(key), record, null);
      return experimentId;
    } catch (error) {
      // Somebody was faster.
      if (!(error instanceof RefConflict)) throw error;
    }
  }
}

function refOf(key: string): string {
  if (key.length < 1 || key.length > 255)
    throw new AssayError('SpecInvalid', `the idempotency key has ${key.length} characters; expected 1 to 255`);
  return refNames.idempotency(createHash('sha256').update(key).digest('hex'));
}

function sameSpec({ key, spec, experimentId, at }: IdempotencyRecord, { digest }: Ref): string {
  if (spec === digest) return experimentId;
  throw new AssayError(
    'Conflict',
    `the idempotency key "${key}" named ${experimentId} at ${at} with another spec (${spec}, now ${digest}); use another key for another experiment`,
  );
}
