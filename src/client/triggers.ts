import { setTimeout as pause } from 'node:timers/promises';
import { type Client, WithStartWorkflowOperation, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import {
  AssayError,
  type ChildExperiment,
  type ErrorType,
  type Progress,
  type ProvenanceObject,
  type ResolvedSpec,
  type Result,
  type SpecInput,
  type Trigger,
  type TriggerAnswer,
  type TriggerPolicy,
  type TriggeredExperiment,
  type TriggeredOutcome,
  type TriggersInput,
  type TriggersRecord,
  type TriggersSettings,
  type TriggersState,
  errorCatalogue,
  ids,
  queues,
  refNames,
  triggerProblem,
  triggersNames,
  nameForm,
} from '../contract';
import { loadSpec } from '../contract/loadSpec';
import { summaryText } from '../contract/describe';
import type { Store } from '../store';
import { childExperiment } from './child';
import { snapshotCode } from './code';
import { Experiment, type WatchOptions } from './libraryExperiment';
import { type Place, type Submission, prepareExperiment } from './submit';

export interface TriggersOptions {
  /** Default `latest`. */
  policy?: TriggerPolicy;
  /** Seconds from 0 to 86400, default 0. */
  quietSeconds?: number;
}

/** A queue of triggers by its name. */
export class Triggers {
  readonly name: string;
  readonly #at: Place;
  readonly #read: (spec: SpecInput | string, options: { by?: string; root?: string }) => Promise<Submission>;

  constructor(at: Place, name: string, read: (spec: SpecInput | string, options: { by?: string; root?: string }) => Promise<Submission>) {
    this.#at = at;
    this.name = name;
    this.#read = read;
  }

  /** Says what its experiments are: what triggers change is changed in this file. Experiments that wait are made of it as well. */
  async configure(spec: SpecInput | string, options: TriggersOptions & { by?: string; root?: string } = {}): Promise<void> {
    const { policy, quietSeconds, ...whence } = options;
    await configureTriggers(this.#at, this.name, await this.#read(spec, whence), {
      ...(policy && { policy }),
      ...(quietSeconds === undefined ? {} : { quietSeconds }),
    });
  }

  /** Asks for an experiment and waits until the queue has taken it (update-with-start). */
  async submit(trigger: Trigger): Promise<AskedExperiment> {
    return new AskedExperiment(this.#at, this.name, await submitTrigger(this.#at, this.name, trigger));
  }

  /** Asks for an experiment without waiting, also where no pool is up (signal-with-start); what the queue refuses it counts. */
  trigger(trigger: Trigger): Promise<void> {
    return signalTrigger(this.#at, this.name, trigger);
  }

  /** Null where the queue was never asked, or was cancelled. */
  state(): Promise<TriggersState | null> {
    return triggersState(this.#at.client, this.name);
  }
}

/** An experiment that may wait for its turn; its result and its changes are waited for from before its beginning. */
export class AskedExperiment extends Experiment {
  /** Experiments that came before it when it was asked for. */
  readonly before: number;
  /** The trigger joined one that was asked for already. */
  readonly joined: boolean;
  readonly #begun: () => Promise<void>;

  constructor(at: Place, queue: string, { experimentId, before, joined }: TriggerAnswer) {
    super(at, experimentId, !joined);
    this.before = before;
    this.joined = joined;
    this.#begun = () => untilBegun(at, queue, experimentId);
  }

  override async result(): Promise<Result> {
    await this.#begun();
    return super.result();
  }

  override async *watch(options: WatchOptions = {}): AsyncGenerator<Progress, void, undefined> {
    await this.#begun();
    yield* super.watch(options);
  }
}

/** Waits for the turn of an experiment. Throws `Conflict` where it will never come, and why it could not be made. */
export async function untilBegun(at: Place, name: string, experimentId: string): Promise<void> {
  const known = async (): Promise<boolean> =>
    (await new Experiment(at, experimentId).record()) !== null ||
    at.client.workflow
      .getHandle(ids.experimentWorkflow(experimentId))
      .describe()
      .then(
        () => true,
        (error: unknown) => {
          if (error instanceof WorkflowNotFoundError) return false;
          throw error;
        },
      );
  for (; !(await known()); await pause(1000)) {
    const state = await triggersState(at.client, name);
    const open = [...(state?.current ? [state.current] : []), ...(state?.queue ?? [])];
    if (open.some((each) => each.experimentId === experimentId)) continue;
    const ended = state?.last.find((each) => each.experimentId === experimentId);
    // It may have begun since it was looked for.
    if (await known()) return;
    const why = ended?.sentence ?? 'the queue was cancelled or terminated before its turn';
    throw new AssayError('Conflict', `${experimentId} never began: ${why}`);
  }
}

/** Whether a queue can be called so and be made so; throws `SpecInvalid`. */
export function checkTriggers(name: string, { quietSeconds }: TriggersOptions): void {
  if (!nameForm.test(name))
    throw new AssayError('SpecInvalid', `${name}: expected a name of lower-case letters, digits, ".", "_", "-", at most 63`);
  if (quietSeconds !== undefined && !(Number.isInteger(quietSeconds) && quietSeconds >= 0 && quietSeconds <= 86_400))
    throw new AssayError('SpecInvalid', `triggers ${name}: ${quietSeconds} quiet seconds; expected a whole number from 0 to 86400`);
}

/** Records what the experiments of a queue are made of, and tells the queue where it runs. */
export async function configureTriggers(
  { client, store }: Place,
  name: string,
  { spec, source, provenance, by }: Submission,
  options: TriggersOptions,
): Promise<TriggersRecord> {
  checkTriggers(name, options);
  const whence: ProvenanceObject = {
    ...provenance,
    ...{ user: by ?? provenance.user, spec: (await store.putJson(spec)).digest, source },
  };
  const [stored, code] = await Promise.all([store.putJson(whence), snapshotCode(store, spec)]);
  const record = await store.refs.update<TriggersRecord>(refNames.triggers(name), (old) => ({
    schema: 'assay.triggers/1',
    name,
    settings: { policy: 'latest', quietSeconds: 0, ...old?.settings, ...options, experiment: spec.name },
    ...{ source, root: spec.root, provenance: stored, code },
  }));
  await client.workflow
    .getHandle(ids.triggers(name))
    .signal(triggersNames.configure, record.settings)
    .catch((error: unknown) => {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    });
  return record;
}

/** By update-with-start: the answer names the experiment. Throws `SpecInvalid`, `Conflict` for a full queue, `NotFound` for an unknown one. */
export async function submitTrigger({ client, store }: Place, name: string, trigger: Trigger): Promise<TriggerAnswer> {
  const record = await checked(store, name, trigger);
  try {
    return await client.workflow.executeUpdateWithStart<TriggersWorkflow, TriggerAnswer, [Trigger]>(triggersNames.submit, {
      args: [trigger],
      startWorkflowOperation: new WithStartWorkflowOperation<TriggersWorkflow>(triggersNames.workflow, {
        ...triggersWorkflow(name, record.settings),
        workflowIdConflictPolicy: 'USE_EXISTING',
      }),
    });
  } catch (error) {
    throw refusal(error);
  }
}

/** By signal-with-start. */
export async function signalTrigger({ client, store }: Place, name: string, trigger: Trigger): Promise<void> {
  const record = await checked(store, name, trigger);
  await client.workflow.signalWithStart(triggersNames.workflow, {
    ...triggersWorkflow(name, record.settings),
    ...{ signal: triggersNames.trigger, signalArgs: [trigger] },
  });
}

export async function triggersState(client: Client, name: string): Promise<TriggersState | null> {
  const handle = client.workflow.getHandle(ids.triggers(name));
  try {
    if ((await handle.describe()).status.name !== 'RUNNING') return null;
    return await handle.query<TriggersState>(triggersNames.state);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** For the activity that makes an experiment of a trigger. */
export async function openTriggered(store: Store, name: string, { experimentId, by, set }: TriggeredExperiment): Promise<ChildExperiment> {
  const record = await triggersRecord(store, name);
  const provenance = await store.getJson<ProvenanceObject>(record.provenance);
  const submission = { spec: specWith(record, set), source: record.source, provenance, by };
  return childExperiment(await prepareExperiment(store, submission, { experimentId, code: record.code }));
}

/** How an experiment ended, once it has. */
export async function triggeredOutcome(at: Place, experimentId: string): Promise<TriggeredOutcome> {
  const experiment = new Experiment(at, experimentId);
  try {
    const { verdict, finishedAt } = await experiment.result();
    return { experimentId, at: finishedAt, status: 'done', verdict: verdict.outcome, sentence: verdict.sentence };
  } catch (error) {
    if (!(error instanceof AssayError) || error.retryable) throw error;
    const ended = await experiment.record();
    const status = ended?.status === 'cancelled' ? 'cancelled' : 'failed';
    return {
      experimentId,
      at: ended?.finishedAt ?? new Date().toISOString(),
      status,
      verdict: null,
      sentence: `${error.type}: ${error.message}`,
    };
  }
}

/** What is wrong is said to whoever asks, before the queue is asked. */
async function checked(store: Store, name: string, trigger: Trigger): Promise<TriggersRecord> {
  const problem = triggerProblem(trigger);
  if (problem !== null) throw new AssayError('SpecInvalid', `triggers ${name}: ${problem}`);
  const record = await triggersRecord(store, name);
  specWith(record, trigger.set ?? {});
  return record;
}

export async function triggersRecord(store: Store, name: string): Promise<TriggersRecord> {
  const found = await store.refs.get<TriggersRecord>(refNames.triggers(name));
  if (found !== null) return found.value;
  throw new AssayError('NotFound', `no queue of triggers "${name}" in ${store.url}; \`assay trigger ${name} FILE\` makes it`);
}

function specWith({ name, source, root }: TriggersRecord, set: Record<string, unknown>): ResolvedSpec {
  const overrides = Object.entries(set).map(([path, value]) => ({ path, value: JSON.stringify(value), flag: `set ${path}` }));
  return loadSpec(source, { file: `triggers/${name}`, root, overrides });
}

type TriggersWorkflow = (input: TriggersInput) => Promise<never>;

function triggersWorkflow(name: string, settings: TriggersSettings) {
  const input: TriggersInput = { name, settings, carried: null };
  return {
    workflowId: ids.triggers(name),
    taskQueue: queues.control,
    args: [input] as [TriggersInput],
    staticSummary: summaryText(`triggers of ${settings.experiment}`),
  };
}

function refusal(error: unknown): unknown {
  const { cause } = error instanceof WorkflowUpdateFailedError ? error : {};
  if (!(cause instanceof ApplicationFailure) || !Object.hasOwn(errorCatalogue, cause.type ?? '')) return error;
  return new AssayError(cause.type as ErrorType, cause.message, { cause: error });
}
