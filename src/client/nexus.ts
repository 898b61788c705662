import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { WorkflowRunOperationHandler, getClient, startWorkflow } from '@temporalio/nexus';
import {
  HandlerError,
  type HandlerErrorType,
  HandlerStartOperationResult,
  OperationError,
  type OperationHandler,
  type ServiceHandler,
  type StartOperationContext,
  serviceHandler,
} from 'nexus-rpc';
import {
  AssayError,
  type ErrorType,
  type ExperimentOutput,
  type ExperimentRecord,
  type ExperimentWorkflow,
  type SpecInput,
  type StartRequest,
  ids,
  refNames,
} from '../contract';
import { type ExperimentQuestion, assayService } from '../contract/nexus';
import type { Store } from '../store';
import { experimentWorkflow } from './experiments';
import { failureOf } from './failure';
import { Experiment } from './libraryExperiment';
import { type Submission, findSubmitted, prepareExperiment, submitExperiment } from './submit';

export interface NexusDeps {
  store: Store;
  /** The spec with its defaults and what else a submission needs; throws what is wrong with it, or not allowed here. */
  admit: (spec: SpecInput) => Promise<Pick<Submission, 'spec' | 'source' | 'provenance'>>;
}

/** The service `assay.v1`, for the workers of the control queue. */
export function createAssayService(deps: NexusDeps): ServiceHandler<(typeof assayService)['operations']> {
  const experiment = ({ experimentId }: ExperimentQuestion): Experiment =>
    new Experiment({ client: getClient(), store: deps.store }, experimentId);
  return serviceHandler(assayService, {
    start: (ctx, request) =>
      told(async () => submitExperiment({ client: getClient(), store: deps.store }, await submissionOf(deps, ctx, request))),
    run: runOperation(deps),
    result: resultOperation(deps),
    progress: (_ctx, question) => told(() => experiment(question).progress()),
    cancel: (_ctx, question) => told(() => experiment(question).cancel()),
  });
}

/** Backed by the experiment's own workflow, so that neither a worker nor a poll waits for it. */
function runOperation(deps: NexusDeps): OperationHandler<StartRequest, ExperimentOutput> {
  const { store } = deps;
  return backed(async (ctx, request) => {
    const submission = await submissionOf(deps, ctx, request);
    const known = await findSubmitted(store, submission);
    const ended = known && (await endOf(store, known.experimentId));
    if (ended) return { ended };
    const { input, summary } = await prepareExperiment(store, submission);
    return { start: experimentWorkflow(input, summary), experimentId: input.experimentId };
  }, store);
}

function resultOperation({ store }: NexusDeps): OperationHandler<ExperimentQuestion, ExperimentOutput> {
  const waiting = backed<ExperimentQuestion>(async (_ctx, { experimentId }) => {
    const ended = await endOf(store, experimentId);
    if (ended) return { ended };
    await isOpen(experimentId);
    const found = await store.refs.get<ExperimentRecord>(refNames.experiment(experimentId));
    if (found === null) throw new AssayError('ServerUnavailable', `${experimentId} has not begun yet; asked again`);
    const { spec, provenance, code = null, name } = found.value;
    // Joins the one that runs: nothing of this starts.
    return { start: experimentWorkflow({ experimentId, spec, provenance, code }, { name, hypothesis: null }), experimentId };
  }, store);
  return { start: (ctx, question) => waiting.start(ctx, question), cancel: async () => undefined };
}

/** Throws where the server does not know it, so that joining it could begin it anew. */
async function isOpen(experimentId: string): Promise<void> {
  try {
    await getClient().workflow.getHandle(ids.experimentWorkflow(experimentId)).describe();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw new AssayError('NotFound', `no experiment "${experimentId}" on this server`, { cause: error });
  }
}

type Backing = { ended: ExperimentOutput } | { start: ReturnType<typeof experimentWorkflow>; experimentId: string };

/** An operation that ends with an experiment, which is started where it does not run yet, and never a second time. */
function backed<Input>(
  find: (ctx: StartOperationContext, input: Input) => Promise<Backing>,
  store: Store,
): OperationHandler<Input, ExperimentOutput> {
  const starting = new WorkflowRunOperationHandler<ReturnType<typeof experimentWorkflow>, ExperimentOutput>((ctx, options) =>
    startWorkflow<ExperimentWorkflow>(ctx, 'experiment', {
      ...options,
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
    }),
  );
  return {
    start: (ctx, input) =>
      told(async () => {
        const found = await find(ctx, input);
        if ('ended' in found) return HandlerStartOperationResult.sync(found.ended);
        try {
          return await starting.start(ctx, found.start);
        } catch (error) {
          if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
          // It ended between the look and the start.
          const ended = await endOf(store, found.experimentId);
          if (ended === null)
            throw new AssayError('Conflict', `${found.experimentId} was terminated, so that it has no result`, { cause: error });
          return HandlerStartOperationResult.sync(ended);
        }
      }),
    cancel: (ctx, token) =>
      starting.cancel(ctx, token).catch((error: unknown) => {
        // It has ended already.
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }),
  };
}

async function submissionOf(
  { admit }: NexusDeps,
  ctx: StartOperationContext,
  { spec, idempotencyKey, by }: StartRequest,
): Promise<Submission> {
  return { ...(await admit(spec)), idempotencyKey: idempotencyKey ?? `nexus/${ctx.requestId}`, by: by ?? callerOf(ctx) };
}

/** The workflow that calls, from the link that its server attaches. */
function callerOf({ inboundLinks: [link] }: StartOperationContext): string {
  const [, namespace, workflowId] = /^\/namespaces\/([^/]+)\/workflows\/([^/]+)/.exec(link?.url.pathname ?? '') ?? [];
  if (namespace === undefined || workflowId === undefined) return 'nexus';
  return `workflow ${decodeURIComponent(workflowId)} of ${decodeURIComponent(namespace)}`;
}

/** Null while it runs, or was never begun; throws where it ended without a result. */
async function endOf(store: Store, experimentId: string): Promise<ExperimentOutput | null> {
  const found = await store.refs.get<ExperimentRecord>(refNames.experiment(experimentId));
  if (found === null || found.value.status === 'running') return null;
  const { status, verdict, result, report } = found.value;
  if (verdict !== null && result !== null && report !== null) return { experimentId, verdict, result, report };
  const { type, message } = failureOf(found.value);
  throw new OperationError(status === 'cancelled' ? 'canceled' : 'failed', message, { cause: failure(type, message) });
}

/** Our errors as the caller's workflow reads them: the sentence, and a type to act upon. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    const { type, message, retryable } = error;
    throw new HandlerError(handlerTypes[type] ?? 'INTERNAL', `${type}: ${message}`, {
      cause: failure(type, message),
      retryableOverride: retryable,
    });
  }
}

const failure = (type: ErrorType, message: string): ApplicationFailure => ApplicationFailure.create({ type, message, nonRetryable: true });

const handlerTypes: Partial<Record<ErrorType, HandlerErrorType>> = {
  SpecInvalid: 'BAD_REQUEST',
  DataInvalid: 'BAD_REQUEST',
  ImageUnpinned: 'BAD_REQUEST',
  PayloadTooLarge: 'BAD_REQUEST',
  Unsupported: 'BAD_REQUEST',
  // Servers before 1.30 take CONFLICT for a fault of ours, and try again.
  Conflict: 'BAD_REQUEST',
  NotFound: 'NOT_FOUND',
  Forbidden: 'UNAUTHORIZED',
  StoreUnavailable: 'UNAVAILABLE',
  ServerUnavailable: 'UNAVAILABLE',
};
