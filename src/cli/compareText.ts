import { metricCatalogue, type MetricName } from '../contract';
import type { CompareResult } from './compare';

/** What a person reads on the terminal: the verdict, one table a candidate, and what is behind the primary's number. */
export function compareText(result: CompareResult): string {
  const { verdict, plan, comparisons, variants, rows } = result;
  const control = variants.find((variant) => variant.control);
  const lines = [verdict.sentence, ''];
  for (const candidate of variants.filter((variant) => !variant.control)) {
    const own = comparisons.filter((comparison) => comparison.variant === candidate.name);
    const table = [
      ['metric', control?.name ?? 'control', candidate.name, 'difference', `interval`, 'p'],
      ...own.map((comparison) => [
        metricCatalogue[comparison.metric as MetricName].label,
        number(control?.metrics[comparison.metric]?.estimate ?? null),
        number(candidate.metrics[comparison.metric]?.estimate ?? null),
        number(comparison.difference, true),
        comparison.low === null
          ? '-'
          : `${number(comparison.low, true)} to ${number(comparison.high, true)} (${Number((comparison.confidence * 100).toFixed(2))} %)`,
        p(comparison.adjustedPValue ?? comparison.pValue),
      ]),
    ];
    lines.push(...aligned(table), '');
  }
  const seeds = plan.seeds.length;
  lines.push(`${rows} test rows, ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}; question: ${plan.question}; rule: ${plan.test}.`);
  lines.push(...verdict.reasons.map((reason) => `- ${reason}`));
  const notes = comparisons.filter((comparison) => comparison.role === 'primary').flatMap((comparison) => comparison.notes);
  lines.push(...[...new Set(notes)].map((note) => `- ${note}`));
  return lines.join('\n');
}

function aligned(table: string[][]): string[] {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number)))
      .join('  ')
      .trimEnd(),
  );
}

function number(value: number | null, signed = false): string {
  if (value === null) return '-';
  const text = value.toFixed(4);
  return signed && value > 0 ? `+${text}` : text;
}

function p(value: number | null): string {
  if (value === null) return '-';
  return value < 1e-4 ? '< 0.0001' : value.toFixed(4);
}
