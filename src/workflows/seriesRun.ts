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
  type SeriesSummary,
  ids,
  queues,
} from '../contract';
import { summaryText } from '../contract/describe';
import { experiment } from './experiment';
import { causeOf } from './failures';
import { attributes, namedBy } from './messages';
import { observe } from './observe';
import { seriesAttributes } from './seriesMessages';
import { type Subject, tell } from './tell';

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

  const subject: Subject = {
    ...{ experiment: experimentId, name: opened.experiment, owner: opened.owner ?? null, series },
    targets: opened.notify ?? [],
  };

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
      if (summary.state !== 'running') await tell(subject, { type: 'series.alert', sentence: endOf(summary) });
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
    if (alert !== null) {
      log.warn(alert);
      observe({ type: 'seriesAlert', series });
    }
    // A run that overlapped the deciding one comes after the end, which was told then.
    const ended = summary.state !== 'running' && decision !== 'closed';
    const sentence = [...(alert === null ? [] : [alert]), ...(ended ? [endOf(summary)] : [])].join(' ');
    const effect = summary.latest.find((each) => each.look === look)?.difference ?? null;
    const { outcome, harm } = output.verdict;
    if (sentence !== '') await tell(subject, { type: 'series.alert', sentence, outcome, harm, effect });
    return { experimentId, skipped: null, look };
  });
}

const endOf = ({ name, sentence }: SeriesSummary): string => `Series ${name} has ended and its schedule is paused: ${sentence}.`;

function runExperiment(experimentId: string, series: string, opened: OpenedLook): Promise<ExperimentOutput> {
  const { spec, provenance, code } = opened;
  return executeChild(experiment, {
    workflowId: ids.experimentWorkflow(experimentId),
    args: [{ experimentId, spec, provenance, code }],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    ...(opened.priority ? { priority: opened.priority } : {}),
    staticSummary: summaryText(opened.hypothesis ?? opened.experiment),
    typedSearchAttributes: [
      { key: attributes.experiment, value: experimentId },
      { key: seriesAttributes.series, value: series },
      ...namedBy({ name: opened.experiment, owner: opened.owner }),
    ],
  });
}

const control = (summary: string): SeriesActivities =>
  proxyActivities<SeriesActivities>({
    taskQueue: queues.control,
    startToCloseTimeout: '30s',
    heartbeatTimeout: '8s',
    retry: { maximumInterval: '30s' },
    summary,
  });

const { recordLook } = proxyActivities<LookActivities>({
  taskQueue: queues.analysis,
  startToCloseTimeout: '1h',
  heartbeatTimeout: '60s',
  retry: { maximumInterval: '30s', maximumAttempts: 20 },
  summary: 'record the look',
});
