import type { Breakdown, Result, SliceDifference } from '../../contract';
import { heldSlices } from '../breakdownWords';
import { formatCount, formatMetric, formatPValue } from '../formatters';
import { type Html, html } from '../html';
import { differenceCells, differenceColumns, readingCell, scaleOf } from './differenceTable';
import { code, details, name, plural, table } from './parts';

/** The parts of the rows that the plan named. */
export function slicesBlock({ plan }: Result, breakdown: Breakdown, id: string): Html {
  const heading = html`<h3>Slices named beforehand</h3>`;
  if (breakdown.slices.length === 0)
    return html`${heading}<p>${plan.slices.length === 0 ? 'The plan names none.' : 'None of those the plan names could be looked at.'}</p>`;
  return html`${heading}${sliceTable(plan, breakdown, breakdown.slices, `${id}-slices`, html`Slices of the plan. <span class="muted">Exploratory: p adjusted over the slices by Benjamini-Hochberg and read at 0.1; under 100 rows there is no test.</span>`)}`;
}

/** Parts nobody named: searched on one half of the rows, tested on the other. */
export function searchedBlock({ plan }: Result, breakdown: Breakdown, id: string): Html {
  const heading = html`<h3>Parts of the rows that nobody named</h3>`;
  const search = breakdown.weakSlices;
  if (search === null) return html`${heading}<p>Not searched: no columns of the test rows are known.</p>`;
  const held = heldSlices(search);
  const columns = search.columns.map((column) => html`${code(column)} `);
  if (search.tried === 0) return html`${heading}<p>Nothing to search: no condition on a column has enough rows in both halves.</p>`;
  const how = html`<p>Conditions on ${plural(search.columns.length, 'column')} were searched for on ${formatCount(search.searched)} rows: ${formatCount(search.tried)} tried, ${search.found.length === 0 ? 'none of them fit to be' : `the ${formatCount(search.found.length)} most telling`} tested on the other ${formatCount(search.tested)} rows, which the search had not seen. False discoveries are held to ${search.falseDiscoveryRate} of what is found (Benjamini-Hochberg); under 100 rows there is no test.</p>`;
  const caption = (what: string): Html => html`${what} <span class="muted">Measured on the half that was not searched.</span>`;
  const open = search.found.filter((slice) => !held.includes(slice));
  return html`${heading}${
    held.length === 0
      ? html`<p><strong>None of ${formatCount(search.tried)} conditions tried held on the other half.</strong></p>`
      : sliceTable(plan, breakdown, held, `${id}-found`, caption('Found on one half, held on the other.'))
  }${how}${open.length === 0 ? null : details(`${formatCount(open.length)} tested that did not hold`, sliceTable(plan, breakdown, open, `${id}-tested`, caption('Found on one half, not held on the other.')))}${
    search.columns.length === 0 ? null : details('Columns searched', html`<p>${columns}</p>`)
  }`;
}

function sliceTable(plan: Result['plan'], breakdown: Breakdown, slices: readonly SliceDifference[], id: string, caption: Html): Html {
  const { metric } = breakdown;
  const scale = scaleOf(
    metric,
    slices.map((slice) => ({ ...slice, reading: slice.verdict })),
  );
  return table(
    id,
    caption,
    [
      { head: 'Slice' },
      ...differenceColumns(scale),
      { head: 'Reading' },
      { head: 'adjusted p', number: true },
      { head: 'Rows', number: true },
      ...(plan.unit === null ? [] : [{ head: 'Units', number: true }]),
      { head: 'Control', number: true },
      { head: 'Variant', number: true },
    ],
    slices.map((slice) => [
      slice.name === slice.where
        ? html`<span class="name">${code(slice.where)}</span>`
        : html`<span class="name">${name(slice.name)}<span class="sub">${code(slice.where)}</span></span>`,
      ...differenceCells(scale, { ...slice, reading: slice.verdict }),
      readingCell(slice.verdict),
      slice.adjustedPValue === null ? '–' : formatPValue(slice.adjustedPValue),
      formatCount(slice.rows),
      ...(plan.unit === null ? [] : [formatCount(slice.units)]),
      formatMetric(metric, slice.control),
      formatMetric(metric, slice.variant),
    ]),
    'wide forest',
  );
}
