import type { Breakdown, Result } from '../../contract';
import { dependenceSentence, units } from '../breakdownWords';
import { formatCount, formatDifference, formatMetric, formatPart } from '../formatters';
import { type Html, html } from '../html';
import { differenceCells, differenceColumns, readingCell, scaleOf, withReading } from './differenceTable';
import { details, name, table } from './parts';

/** Whether the difference hangs on few units: with and without those that speak most for it. */
export function dependenceBlock(result: Result, breakdown: Breakdown, id: string): Html {
  const heading = html`<h3>Does the difference hang on few ${units(result, 2)}?</h3>`;
  const { dependence, metric } = breakdown;
  if (dependence === null)
    return html`${heading}<p>${result.plan.unit === null ? 'Not looked at: every row is a unit of its own, and right or wrong counts alike in each.' : 'Not looked at: there are fewer than 100 units.'}</p>`;
  const rows = [withReading(metric, dependence.all), withReading(metric, dependence.without)] as const;
  const scale = scaleOf(metric, rows);
  const titles = ['All', `Without ${formatCount(dependence.leftOut)} of ${formatCount(dependence.of)}`];
  return html`${heading}<p>${dependence.changes ? html`<strong>${dependenceSentence(result, breakdown, dependence)}</strong>` : dependenceSentence(result, breakdown, dependence)}</p>${table(
    `${id}-dependence`,
    'With and without the few that speak most for it',
    [
      { head: 'Rows counted' },
      ...differenceColumns(scale),
      { head: 'Reading' },
      { head: 'Control', number: true },
      { head: 'Variant', number: true },
    ],
    rows.map((row, i) => [
      titles[i],
      ...differenceCells(scale, row),
      readingCell(row.reading),
      formatMetric(metric, row.control),
      formatMetric(metric, row.variant),
    ]),
    'forest',
  )}${
    dependence.units.length === 0
      ? null
      : details(
          `The ${formatCount(dependence.units.length)} that count most`,
          table(
            `${id}-units`,
            html`Parts of the difference. <span class="muted">What each one adds to it.</span>`,
            [
              { head: result.plan.unit === null ? 'Row' : html`<bdi>${result.plan.unit}</bdi>` },
              { head: 'Rows', number: true },
              { head: 'Part', number: true },
            ],
            dependence.units.map((unit) => [
              html`<span class="name">${name(unit.id)}</span>`,
              formatCount(unit.rows),
              formatPart(metric, unit.part),
            ]),
          ),
        )
  }`;
}

/** Simpson's check: whether parts tell another story than the whole. */
export function reversalsBlock({ reversals, metric }: Breakdown, id: string): Html {
  const heading = html`<h3>Do the parts tell the story of the whole?</h3>`;
  if (reversals.length === 0)
    return html`${heading}<p>Yes, where it was looked for: over classes, slices and columns of few values no part of 100 rows or more is shown to go another way than the whole.</p>`;
  return html`${heading}${reversals.map(({ by, kind, whole, parts, sentence }, i) => {
    const rows = parts.map((part) => withReading(metric, part));
    const scale = scaleOf(metric, rows);
    return html`<p><span class="role">${kind === 'reversal' ? 'all parts reversed' : 'mixed'}</span> <bdi>${sentence}</bdi></p>${details(
      html`The parts by ${name(by)}`,
      table(
        `${id}-reversal-${i + 1}`,
        html`By ${name(by)}. <span class="muted">The whole: ${formatDifference(metric, whole)}. The intervals hold for all parts that were looked at together.</span>`,
        [{ head: 'Part' }, ...differenceColumns(scale), { head: 'Reading' }, { head: 'Rows', number: true }],
        rows.map((row) => [
          html`<span class="name">${name(row.name)}</span>`,
          ...differenceCells(scale, row),
          readingCell(row.reading),
          formatCount(row.rows),
        ]),
        'forest',
      ),
    )}`;
  })}`;
}
