import {
  allHandlersFinished,
  condition,
  continueAsNew,
  log,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { type SeriesActivities, type SeriesInput, queues } from '../contract';
import { seriesDetails } from './seriesDetails';
import { seriesChanged, seriesState } from './seriesMessages';

/** Signals after which the history starts anew. */
const looksAHistory = 200;

/** A view of a schedule's runs: what queries and the Temporal UI show, and the pause of the schedule once the question is answered. */
export async function series(input: SeriesInput): Promise<never> {
  let { summary, paused } = input;
  let heard = 0;
  setHandler(seriesState, () => summary, { description: 'Where the series stands, and its last looks.' });
  setHandler(
    seriesChanged,
    (changed) => {
      heard += 1;
      // A retried activity may tell an older state after a newer one.
      if (summary !== null && changed.runs < summary.runs) return;
      summary = changed;
      // A budget was raised: the end that comes is another one.
      if (changed.state === 'running') paused = false;
      if (changed.alert !== null) log.warn(changed.alert);
      setCurrentDetails(seriesDetails(summary));
    },
    { description: 'A run of the series was recorded.' },
  );
  setCurrentDetails(seriesDetails(summary));

  for (;;) {
    await condition(() => ended() || heard >= looksAHistory || workflowInfo().continueAsNewSuggested);
    if (summary !== null && ended()) {
      paused = true;
      await pauseSeries({ series: summary.name, note: `the series has ended: ${summary.sentence}` });
      continue;
    }
    await condition(allHandlersFinished);
    return continueAsNew<typeof series>({ name: input.name, summary, paused });
  }

  function ended(): boolean {
    return summary !== null && summary.state !== 'running' && !paused;
  }
}

const { pauseSeries } = proxyActivities<SeriesActivities>({
  taskQueue: queues.control,
  startToCloseTimeout: '1m',
  retry: { maximumInterval: '1m' },
  summary: 'pause the schedule',
});
