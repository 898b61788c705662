import type { WorkflowEvent, WorkflowSpan } from '../src/contract';
import { runOfWorkflow } from '../src/contract';
import { type LogLevel, count, gauge, log, observe, recordSpan } from '../src/observability';
import type { InjectedSinks, LogMetadata, Logger } from '@temporalio/worker';
import type { WorkflowSinks } from '../src/contract';

/** What workflows tell beside their histories. A replay tells nothing. */
export const workflowSinks: InjectedSinks<WorkflowSinks> = {
  assay: {
    event: { fn: (_, event) => counted(event), callDuringReplay: false },
    span: {
      fn: ({ workflowType }, span) => recordSpan({ ...span, attributes: attributesOf(workflowType, span) }),
      callDuringReplay: false,
    },
  },
};

/** So that the first of each shows as an increase. */
export function countFromZero(): void {
  for (const cause of ['crash', 'infrastructure', 'preemption', 'outOfMemory']) count('assay_run_restarts_total', { cause }, 0);
  for (const status of ['done', 'failed', 'cancelled']) {
    count('assay_experiments_finished_total', { status }, 0);
    count('assay_runs_finished_total', { status }, 0);
  }
  for (const outcome of ['adopt', 'keep', 'equivalent', 'inconclusive', 'invalid']) count('assay_verdicts_total', { outcome }, 0);
  for (const result of ['ok', 'error']) count('assay_server_polls_total', { result }, 0);
}

function counted(event: WorkflowEvent): void {
  switch (event.type) {
    case 'leaseGranted':
      return observe('assay_queue_wait_seconds', { qos: event.qos, owner: event.owner ?? '' }, event.seconds);
    case 'epochFailed':
      count('assay_run_epoch_failures_total', { error: event.error });
      if (event.cause !== null) count('assay_run_restarts_total', { cause: event.cause });
      return;
    case 'runEnded':
      return count('assay_runs_finished_total', { status: event.status });
    case 'stageLeft':
      return observe('assay_experiment_stage_duration_seconds', { stage: event.stage }, event.seconds);
    case 'experimentEnded':
      count('assay_experiments_finished_total', { status: event.status });
      observe('assay_experiment_duration_seconds', { status: event.status }, event.seconds);
      if (event.error !== null) count('assay_experiment_failures_total', { error: event.error });
      if (event.outcome !== null) count('assay_verdicts_total', { outcome: event.outcome });
      return;
    case 'seriesRunEnded':
      if (event.status === 'done') gauge('assay_series_last_success_timestamp_seconds', { series: event.series }, Date.now() / 1000);
      return count('assay_series_runs_total', { series: event.series, status: event.status });
    case 'seriesAlert':
      return count('assay_series_alerts_total', { series: event.series });
  }
}

function attributesOf(workflowType: string, { attributes }: WorkflowSpan): WorkflowSpan['attributes'] {
  const { experimentId, variant, seed } = runOfWorkflow(String(attributes['assay.workflow'])) ?? {};
  return {
    ...attributes,
    'temporal.workflow_type': workflowType,
    ...(experimentId === undefined ? {} : { 'assay.experiment': experimentId }),
    ...(variant === undefined ? {} : { 'assay.variant': variant }),
    ...(seed === undefined ? {} : { 'assay.seed': seed }),
  };
}

/** Leads what Temporal's SDK and core say, and what workflows and activities log, into the log of this process. */
export const temporalLogger: Logger = {
  log: (level, message, meta) => {
    const ours = meta?.sdkComponent === 'workflow' || meta?.sdkComponent === 'activity';
    const name = level.toLowerCase() as LogLevel;
    // What the SDK says of itself is news to nobody but in a search for a fault.
    const quieter = ours || ((level === 'WARN' || level === 'ERROR') && !message.startsWith('No workflows registered')) ? name : 'debug';
    log.write(quieter, message, fieldsOf(meta));
  },
  trace: (message, meta) => temporalLogger.log('TRACE', message, meta),
  debug: (message, meta) => temporalLogger.log('DEBUG', message, meta),
  info: (message, meta) => temporalLogger.log('INFO', message, meta),
  warn: (message, meta) => temporalLogger.log('WARN', message, meta),
  error: (message, meta) => temporalLogger.log('ERROR', message, meta),
};

/** Long, and found by the workflow's id. */
const untold: ReadonlySet<string> = new Set(['runId', 'workflowRunId', 'namespace', 'taskToken']);

/** By the names of our own lines. */
function fieldsOf(meta: LogMetadata = {}): Record<string, unknown> {
  const { workflowId, activityType, workflowType, ...others } = meta;
  const rest = Object.fromEntries(Object.entries(others).filter(([name]) => !untold.has(name)));
  const whose = typeof workflowId === 'string' ? runOfWorkflow(workflowId) : null;
  return {
    ...rest,
    ...(whose === null ? {} : { experiment: whose.experimentId }),
    ...(whose?.variant === undefined ? {} : { variant: whose.variant, seed: whose.seed }),
    ...(workflowId === undefined ? {} : { workflow: workflowId }),
    ...(workflowType === undefined ? {} : { workflowType }),
    ...(activityType === undefined ? {} : { activity: activityType }),
  };
}
