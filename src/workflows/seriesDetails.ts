import type { SeriesSummary } from '../contract';

/** The Markdown that the Temporal UI shows as a series' current details. */
export function seriesDetails(summary: SeriesSummary | null): string {
  if (summary === null) return '**waiting for the first run**';
  const { state, sentence, latest, cumulativeAlpha, alert } = summary;
  const rows = latest.map(
    ({ look, when, verdict, difference, low, high, decision }) =>
      `| ${look} | ${when.slice(0, 16).replace('T', ' ')} | ${verdict} | ${number(difference)} | ${number(low)} to ${number(high)} | ${decision} |`,
  );
  return [
    `**${state}**: ${sentence}`,
    ...(alert === null ? [] : ['', alert]),
    '',
    '| look | when | verdict | difference | interval | decision |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    `alpha spent: ${number(cumulativeAlpha)}`,
  ].join('\n');
}

const number = (value: number | null): string => (value === null ? '-' : String(Number(value.toPrecision(3))));
