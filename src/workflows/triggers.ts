import {
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  allHandlersFinished,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type ExperimentWorkflow,
  type Trigger,
  type TriggeredExperiment,
  type TriggeredOutcome,
  type TriggersActivities,
  type TriggersInput,
  type TriggersState,
  ids,
  queues,
} from '../contract';
import { causeOf } from './failures';
import { triggersDetails } from './triggersDetails';
import { configure, submit, trigger, triggersState } from './triggersMessages';
import { TriggersQueue } from './triggersQueue';

/** Messages after which the history starts anew. */
const messagesAHistory = 1000;

/**
 * A queue of triggers that feeds one experiment after the other. Cancelled, it cancels the experiment that runs and forgets those that wait;
 * terminated, it leaves the one that runs alone.
 */
export async function triggers({ name, settings, carried }: TriggersInput): Promise<never> {
  const queue = new TriggersQueue(settings, carried);
  let heard = 0;
  // What runs was started, so that a later run of this workflow can wait for it.
  let started = true;
  const random = (): string => uuid4().slice(0, 8);

  setHandler(triggersState, state, { description: 'What runs, what waits, and how the last ones ended.' });
  setHandler(
    submit,
    (asked) => {
      const answer = queue.take(asked, new Date(), random);
      show();
      return answer;
    },
    { validator: refuse, description: 'Asks for an experiment; answers with its id.' },
  );
  setHandler(
    trigger,
    (asked) => {
      const problem = queue.problem(asked);
      if (problem !== null) {
        queue.carried.refused += 1;
        log.warn(`a trigger was refused: ${problem.message}`);
      } else queue.take(asked, new Date(), random);
      show();
    },
    { description: 'Asks for an experiment; what is refused is counted.' },
  );
  setHandler(
    configure,
    (changed) => {
      queue.settings = changed;
      show();
    },
    { description: 'How triggers become experiments, from now on.' },
  );
  show();

  try {
    return await feed();
  } catch (error) {
    if (isCancellation(error)) {
      const waiting = queue.carried.queue.length;
      setCurrentDetails(`**cancelled**${waiting === 0 ? '' : `; ${waiting} experiments that waited were forgotten`}`);
    }
    throw error;
  }

  async function feed(): Promise<never> {
    const { current } = queue.carried;
    if (current !== null && !(await ended(ending(current, () => followed(current.experimentId))))) return anew();
    for (;;) {
      await condition(() => queue.due() !== null || worn());
      for (let due = queue.due(); due !== null && due > Date.now() && !worn(); due = queue.due()) await condition(worn, due - Date.now());
      if (worn()) return anew();
      const next = queue.begin();
      show();
      if (next !== null && !(await ended(ending(next, () => run(next))))) return anew();
    }
  }

  /** False where the history has to start anew before. A cancel is heard from the experiment alone, once that has stopped. */
  async function ended(finished: Promise<void>): Promise<boolean> {
    const full = CancellationScope.nonCancellable(() => condition(() => started && worn()));
    return Promise.race([finished.then(() => true), full.then(() => false)]);
  }

  async function run(next: TriggeredExperiment): Promise<TriggeredOutcome> {
    const { experimentId } = next;
    started = false;
    const child = await startChild<ExperimentWorkflow>('experiment', {
      ...(await openTriggered({ name, next })),
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    });
    started = true;
    const { verdict } = await child.result();
    return { experimentId, at: new Date().toISOString(), status: 'done', verdict: verdict.outcome, sentence: verdict.sentence };
  }

  async function ending({ experimentId }: TriggeredExperiment, work: () => Promise<TriggeredOutcome>): Promise<void> {
    let outcome: TriggeredOutcome;
    try {
      outcome = await work();
    } catch (error) {
      // A cancel of the queue; that of its experiment alone is an end like another.
      if (isCancellation(error) && CancellationScope.current().consideredCancelled) throw error;
      const { type, message } = causeOf(error);
      const cancelled = isCancellation(error);
      const sentence = cancelled ? 'cancelled on request' : `${type}: ${message}`;
      outcome = { experimentId, at: new Date().toISOString(), status: cancelled ? 'cancelled' : 'failed', verdict: null, sentence };
    }
    queue.end(outcome);
    show();
  }

  async function anew(): Promise<never> {
    await condition(allHandlersFinished);
    return continueAsNew<typeof triggers>({ name, settings: queue.settings, carried: queue.carried });
  }

  function worn(): boolean {
    return heard >= messagesAHistory || workflowInfo().continueAsNewSuggested;
  }

  function refuse(asked: Trigger): void {
    const problem = queue.problem(asked);
    if (problem !== null)
      throw ApplicationFailure.create({ type: problem.type, message: `triggers ${name}: ${problem.message}`, nonRetryable: true });
  }

  function state(): TriggersState {
    const { keys: _keys, ...rest } = queue.carried;
    return { name, ...queue.settings, ...rest };
  }

  function show(): void {
    heard += 1;
    setCurrentDetails(triggersDetails(state()));
  }
}

async function followed(experimentId: string): Promise<TriggeredOutcome> {
  try {
    return await awaitExperiment({ experimentId });
  } catch (error) {
    // The experiment is no child of this run, so that a cancel has to be handed on.
    if (isCancellation(error))
      await CancellationScope.nonCancellable(() =>
        getExternalWorkflowHandle(ids.experimentWorkflow(experimentId))
          .cancel()
          .catch(() => undefined),
      );
    throw error;
  }
}

const { openTriggered } = proxyActivities<TriggersActivities>({
  taskQueue: queues.control,
  startToCloseTimeout: '5m',
  retry: { maximumInterval: '30s' },
  summary: 'make the experiment',
});

const { awaitExperiment } = proxyActivities<TriggersActivities>({
  taskQueue: queues.control,
  startToCloseTimeout: '365d',
  heartbeatTimeout: '30s',
  retry: { maximumInterval: '30s' },
  summary: 'wait for the experiment',
});
