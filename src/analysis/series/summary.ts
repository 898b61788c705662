import {
  assertNever,
  type RegisteredPlan,
  type SeriesPlan,
  type SeriesQuestion,
  type SeriesRecord,
  type SeriesSummary,
} from '../../contract';

export function seriesQuestion(plan: RegisteredPlan, variants: readonly { name: string; control: boolean }[]): SeriesQuestion {
  const { primary, question, test, margin, marginRelative } = plan;
  const control = variants.find((variant) => variant.control)?.name ?? '';
  const candidates = variants.filter((variant) => !variant.control).map(({ name }) => name);
  return { primary, question, test, margin, marginRelative, control, candidates: candidates.sort() };
}

export const budgetUsed = ({ maxRuns, gpuHours }: SeriesPlan, used: { runs: number; gpuHours: number }): boolean =>
  (maxRuns !== null && used.runs >= maxRuns) || (gpuHours !== null && used.gpuHours >= gpuHours);

/** Small enough for a signal, whatever the length of the series. */
export function seriesSummary(record: SeriesRecord): SeriesSummary {
  return {
    name: record.name,
    state: record.state,
    sentence: seriesSentence(record),
    looks: record.looks.length,
    runs: record.runs,
    cumulativeAlpha: record.ledger.looks.at(-1)?.cumulativeAlpha ?? 0,
    latest: record.looks.slice(-10).map(({ look, when, experimentId, verdict, difference, low, high, decision, sequence }) => ({
      ...{ look, when, experimentId, verdict, decision },
      difference: sequence?.difference ?? difference,
      low: sequence?.low ?? low,
      high: sequence?.high ?? high,
    })),
    alert: record.looks.at(-1)?.alert ?? null,
  };
}

function seriesSentence({ state, looks, runs, gpuHours, plan, question }: SeriesRecord): string {
  const decided = looks.find(({ decision }) => decision === 'adopt' || decision === 'equivalent' || decision === 'keep');
  const at = decided === undefined ? '' : `at look ${decided.look} (${decided.experimentId})`;
  switch (state) {
    case 'running':
      return runs === 0 ? 'no run yet' : `open after ${runs} ${runs === 1 ? 'run' : 'runs'}`;
    case 'decided':
      return decided?.decision === 'equivalent' ? `equivalent, decided ${at}` : `adopt ${decided?.variant ?? ''}, decided ${at}`;
    case 'futile':
      return `keep ${question.control}, decided ${at}: another look cannot change it`;
    case 'budget-used': {
      const byRuns = plan.maxRuns !== null && runs >= plan.maxRuns;
      const spent = byRuns ? `${runs} of ${plan.maxRuns} runs` : `${Number(gpuHours.toPrecision(3))} of ${plan.gpuHours} GPU-hours`;
      return `budget used without a decision: ${spent}`;
    }
    default:
      return assertNever(state);
  }
}
