import {
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  executeChild,
  isCancellation,
  log,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  type ExperimentOutput,
  type LookActivities,
  type OpenedLook,
  type SeriesActivities,
  type SeriesRunInput,
  type SeriesRunOutput,
  ids,
  queues,
} from '../contract';
import { experiment } from './experiment';
import { causeOf } from './failures';
import { attributes } from './messages';
import { seriesAttributes } from './seriesMessages';

/** One run of a schedule: opens a look, runs the experiment as a child, records what it showed, and tells the series. */
export async function seriesRun({ series }: SeriesRunInput): Promise<SeriesRunOutput> {
  const { typedSearchAttributes, startTime, firstExecutionRunId } = workflowInfo();
  const scheduledFor = typedSearchAttributes.get(seriesAttributes.scheduledFor) ?? startTime;
  const when = scheduledFor.toISOString();

  const opened = await control('open a look').openLook({ series });
  if (opened.closed !== null) {
    setCurrentDetails(`**skipped**: the series has ended: ${opened.closed}`);
    return { experimentId: null, skipped: opened.closed, look: null };
  }
  // The same time run again, by a backfill, is another experiment.
  const experimentId = ids.experiment(opened.experiment, scheduledFor, firstExecutionRunId.slice(-4));
  setCurrentDetails(`**running** ${experimentId}`);

  let output: ExperimentOutput;
  try {
    output = await runExperiment(experimentId, series, opened);
  } catch (error) {
    const cancelled = isCancellation(error);
    const status = cancelled ? 'cancelled' : 'failed';
    const message = cancelled ? 'cancelled on request' : `${causeOf(error).type}: ${causeOf(error).message}`;
    setCurrentDetails(`**${status}** ${experimentId}: ${message}`);
    await CancellationScope.nonCancellable(async () => {
      const summary = await control('record the failure').recordSeriesFailure({ series, experimentId, when, status, message });
      await control('tell the series').tellSeries({ summary });
    });
    // Of the run itself; a cancel of its experiment alone is an end like another, and pauses nothing.
    if (cancelled && !CancellationScope.current().consideredCancelled) return { experimentId, skipped: message, look: null };
    if (cancelled) throw error;
    // A failed run is what the schedule's pause on failure looks at.
    throw ApplicationFailure.create({
      type: causeOf(error).type,
      message: `${experimentId}: ${causeOf(error).message}`,
      nonRetryable: true,
    });
  }

  // Whoever cancels now comes too late: the experiment has ended, and its look is recorded.
  return CancellationScope.nonCancellable(async () => {
    const { look, decision, alert, summary } = await recordLook({ series, experimentId, when, result: output.result });
    await control('tell the series').tellSeries({ summary });
    upsertSearchAttributes([{ key: attributes.verdict, value: output.verdict.outcome }]);
    setCurrentDetails([`**look ${look}: ${decision}**`, '', output.verdict.sentence, ...(alert === null ? [] : ['', alert])].join('\n'));
    if (alert !== null) log.warn(alert);
    return { experimentId, skipped: null, look };
  });
}

function runExperiment(experimentId: string, series: string, opened: OpenedLook): Promise<ExperimentOutput> {
  const { spec, provenance, code } = opened;
  return executeChild(experiment, {
    workflowId: ids.experimentWorkflow(experimentId),
    args: [{ experimentId, spec, provenance, code }],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    staticSummary: opened.hypothesis ?? opened.experiment,
    typedSearchAttributes: [
      { key: attributes.experiment, value: experimentId },
      { key: seriesAttributes.series, value: series },
    ],
  });
}

const control = (summary: string): SeriesActivities =>
  proxyActivities<SeriesActivities>({ taskQueue: queues.control, startToCloseTimeout: '30s', retry: { maximumInterval: '30s' }, summary });

const { recordLook } = proxyActivities<LookActivities>({
  taskQueue: queues.analysis,
  startToCloseTimeout: '1h',
  heartbeatTimeout: '60s',
  retry: { maximumInterval: '30s', maximumAttempts: 20 },
  summary: 'record the look',
});
