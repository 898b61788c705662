import { log } from '@temporalio/activity';
import { budgetUsed, seriesSummary } from '../analysis/series';
import {
  AssayError,
  type OwnerWeights,
  refNames,
  type ResolvedSpec,
  type SeriesActivities,
  type SeriesRecord,
  taskPriority,
} from '../contract';
import { notifyTargets } from '../contract/plan';
import type { Store } from '../store';

/** `tell` and `pause` reach the server: the series' workflow, and its schedule. */
export interface SeriesDeps {
  store: Store;
  tell: SeriesActivities['tellSeries'];
  pause: SeriesActivities['pauseSeries'];
}

/** What a scheduled run needs of its series; the record in `refs/` is the truth, the workflow a view of it. */
export function createSeriesActivities({ store, tell, pause }: SeriesDeps): SeriesActivities {
  return {
    async openLook({ series }) {
      const record = await seriesRecord(store, series);
      const { experiment, hypothesis, spec, provenance, code } = record;
      const { owner = null, runtime, notify } = await store.getJson<ResolvedSpec>(spec);
      const weights = (await store.refs.get<OwnerWeights>(refNames.ownerWeights))?.value.weights;
      const priority = taskPriority({ owner, qos: runtime.qos }, weights);
      const closed = record.state === 'running' ? null : seriesSummary(record).sentence;
      return { closed, experiment, hypothesis, owner, priority, notify: notifyTargets({ notify }), spec, provenance, code };
    },

    async recordSeriesFailure({ series, ...failure }) {
      await seriesRecord(store, series);
      const record = await store.refs.update<SeriesRecord>(refNames.series(series), (old) => {
        if (old === null) throw gone(store, series);
        if (knows(old, failure.experimentId)) return old;
        const failures = [...old.failures, failure].slice(-keptFailures);
        return { ...old, ...afterRun(old, 0), failures };
      });
      log.warn(`a run of series ${series} ${failure.status}`, { series, experiment: failure.experimentId, reason: failure.message });
      return seriesSummary(record);
    },

    tellSeries: tell,
    pauseSeries: pause,
  };
}

const keptFailures = 100;

export async function seriesRecord(store: Store, series: string): Promise<SeriesRecord> {
  const found = await store.refs.get<SeriesRecord>(refNames.series(series));
  if (found === null) throw gone(store, series);
  return found.value;
}

export const gone = (store: Store, series: string): AssayError =>
  new AssayError('NotFound', `no series "${series}" in ${store.url}; \`assay schedule apply ${series} FILE\` makes it anew`);

/** Whether a run is in the record: an activity may be tried again after it has written. */
export const knows = ({ looks, failures }: SeriesRecord, experimentId: string): boolean =>
  looks.some((look) => look.experimentId === experimentId) || failures.some((failure) => failure.experimentId === experimentId);

/** What one more run changes, whatever it brought: a budget may end the series. */
export function afterRun(record: SeriesRecord, gpuHours: number): Pick<SeriesRecord, 'runs' | 'gpuHours' | 'state'> {
  const used = { runs: record.runs + 1, gpuHours: record.gpuHours + gpuHours };
  return { ...used, state: record.state === 'running' && budgetUsed(record.plan, used) ? 'budget-used' : record.state };
}
