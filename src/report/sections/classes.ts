import type { Result } from '../../contract';
import { formatCount, formatPercent } from '../formatters';
import { type Html, html } from '../html';
import { details, scroll, section } from './parts';

const shownOpen = 25;

/** Precision, recall and F1 of every class, variants side by side. */
export function classesSection(result: Result): Html {
  const variants = result.variants.filter((variant) => variant.perClass.length > 0);
  if (variants.length === 0) return section('classes', 'By class', html`<p>No predictions to count by class.</p>`);
  const names = [...new Set(variants.flatMap((variant) => variant.perClass.map((row) => row.class)))];
  const rows = names.map((name) => {
    const own = variants.map((variant) => variant.perClass.find((row) => row.class === name));
    return html`<tr><th scope="row">${name}</th>${own.map((row) => html`<td class="number first">${formatPercent(row?.precision)}</td><td class="number">${formatPercent(row?.recall)}</td><td class="number">${formatPercent(row?.f1)}</td>`)}<td class="number first">${formatCount(own.find((row) => row !== undefined)?.support)}</td></tr>
`;
  });
  const body = scroll(
    'class-table',
    html`<table class="wide"><caption id="class-table">Precision, recall and F1 by class. <span class="muted">Exploratory, pooled over seeds; n is the rows of the class among the predictions pooled. “Not defined” is 0/0: a class never predicted or never there.</span></caption><thead><tr><th scope="col" rowspan="2">Class</th>${variants.map((variant) => html`<th scope="colgroup" colspan="3" class="first">${variant.name}</th>`)}<th scope="col" rowspan="2" class="number first">n</th></tr><tr>${variants.map(() => html`<th scope="col" class="number first">precision</th><th scope="col" class="number">recall</th><th scope="col" class="number">F1</th>`)}</tr></thead><tbody>${rows}</tbody></table>`,
  );
  return section('classes', 'By class', names.length > shownOpen ? details(`All ${names.length} classes`, body) : body);
}
