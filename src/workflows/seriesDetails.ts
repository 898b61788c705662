import type { SeriesSummary } from '../contract';
import { cutTo, plain, tableOf } from '../contract/describe';

/** As of an experiment's details. */
const mostBytes = 32_000;

/** The Markdown that the Temporal UI shows as a series' current details. */
export function seriesDetails(summary: SeriesSummary | null): string {
  if (summary === null) return '**waiting for the first run**';
  const { name, state, sentence, latest, cumulativeAlpha, alert } = summary;
  const rows = latest.map(({ look, when, verdict, difference, low, high, decision }) => [
    ...[String(look), when.slice(0, 16).replace('T', ' '), verdict, number(difference)],
    ...[`${number(low)} to ${number(high)}`, decision],
  ]);
  return cutTo(
    [
      `**${state}**: ${plain(sentence)}`,
      ...(alert === null ? [] : ['', `**Alert**: ${plain(alert)}`]),
      '',
      `alpha spent: ${number(cumulativeAlpha)} · \`assay show series/${name}\` draws it`,
      '',
      ...tableOf(['look', 'when', 'verdict', 'difference', 'interval', 'decision'], rows),
    ].join('\n'),
    mostBytes,
  );
}

const number = (value: number | null): string => (value === null ? '–' : String(Number(value.toPrecision(3))));
