import type { Answer, DisagreementRow, Disagreements, Result, RowContent } from '../../contract';
import { formatCount, formatNumber, formatPercent } from '../formatters';
import { type Html, html } from '../html';
import { details, plural, section, table } from './parts';

/** What the contents of all rows may take of the page, bytes; the rest stands in result.json. */
const mostBytes = 350_000;
const mostColumns = 32;
const mostOfCell = 80;
const shownOpen = 160;

/** The test rows that a candidate and the control answer most differently, with what they hold. Null in results of earlier versions. */
export function disagreementsSection(result: Result): Html | null {
  const { disagreements = [] } = result;
  if (disagreements.length === 0) return null;
  const room = { left: mostBytes };
  return section(
    'disagreements',
    'Rows they disagree on',
    html`<p class="lead">Scores are means over the seeds. The gap of a row is half the sum of the differences of its scores, from 0 (alike) to 1. Exploratory: these rows are chosen for being far apart, and say nothing of how often that is.</p>${disagreements.map((one, i) => block(result, one, i, room))}`,
  );
}

function block(result: Result, { control, variant, of, differing, rows, withContent }: Disagreements, index: number, room: Room): Html {
  const share = `n = ${formatCount(of)} test ${of === 1 ? 'row' : 'rows'}; ${formatCount(differing)} (${formatPercent(of === 0 ? null : differing / of)}) ${differing === 1 ? 'gets' : 'get'} another class.`;
  const heading = html`<h3>${variant} and ${control}</h3>`;
  if (rows.length === 0)
    return html`${heading}<p>${differing === 0 ? 'Both answer every row alike. ' : 'No rows are listed, as the experiment asks. '}${share}</p>`;
  return html`${heading}${table(
    `disagreements-${index + 1}`,
    html`The ${rows.length === 1 ? 'row' : `${rows.length} rows`} of the largest gap. <span class="muted">${share}${withContent ? null : ' Their content is left out, as the experiment asks.'}</span>`,
    [
      { head: 'Row' },
      { head: 'Label' },
      { head: control },
      { head: variant },
      { head: 'Gap', number: true },
      ...(withContent ? [{ head: 'Content' }] : []),
    ],
    rows.map((row) => [
      html`<span class="name">${row.id}</span>`,
      row.label,
      answer(row, row.control, seedsOf(result, control)),
      answer(row, row.variant, seedsOf(result, variant)),
      formatNumber(row.gap),
      ...(withContent ? [within(room, contentOf(row))] : []),
    ]),
    'wide',
  )}`;
}

/** "✓ 8" and below it how sure, and how many of the seeds by themselves. */
function answer({ label }: DisagreementRow, { class: name, score, seeds }: Answer, of: number): Html {
  const right = name === label;
  return html`<span class="status ${right ? 'pass' : 'fail'}">${right ? '✓' : '✕'}</span> ${name}<span class="sub whole">score ${formatNumber(score)}</span><span class="sub whole">${seeds} of ${plural(of, 'seed')}</span>`;
}

const seedsOf = (result: Result, variant: string): number =>
  result.variants.find(({ name }) => name === variant)?.runs.filter(({ status }) => status === 'done').length ?? 0;

interface Room {
  left: number;
}

function within(room: Room, content: Html): Html {
  room.left -= Buffer.byteLength(content.text);
  return room.left >= 0 ? content : html`<span class="muted">in result.json, to keep this page small</span>`;
}

function contentOf({ id, content }: DisagreementRow): Html {
  if (content === null) return html`<span class="muted">cannot be shown</span>`;
  switch (content.kind) {
    case 'image':
      return image(id, content);
    case 'text':
      return text(content);
    case 'columns':
      return columns(content);
    default:
      return html`<span class="muted">of a kind that this version does not know</span>`;
  }
}

/** Nothing but a PNG that stands in the page itself. */
function image(id: string, { uri, width, height }: Extract<RowContent, { kind: 'image' }>): Html {
  if (!/^data:image\/png;base64,[A-Za-z0-9+/]+=*$/.test(uri)) return html`<span class="muted">cannot be shown</span>`;
  return html`<img class="picture" src="${uri}" alt="Row ${id}, a picture of ${width} x ${height} pixels"/>`;
}

function text({ text: whole, cut }: Extract<RowContent, { kind: 'text' }>): Html {
  const end = cut ? html` <span class="muted">… cut</span>` : null;
  if (whole.length <= shownOpen) return html`<span class="excerpt">${whole}</span>${end}`;
  const head = [...whole.slice(0, 2 * shownOpen)].slice(0, shownOpen).join('');
  return html`<span class="excerpt">${head} …</span>${details('Whole text', html`<span class="excerpt">${whole}</span>${end}`)}`;
}

function columns({ values, columns: count }: Extract<RowContent, { kind: 'columns' }>): Html {
  const shown = values.slice(0, mostColumns);
  const pairs = shown.map(
    ([name, value]) =>
      html`<span class="cell"><span class="muted">${cut(name)}</span> ${value === null ? '–' : cut(String(value))}</span> `,
  );
  const rest = count > shown.length ? html`<span class="muted">and ${plural(count - shown.length, 'column')} more</span>` : null;
  return shown.length <= 6 ? html`${pairs}${rest}` : html`${pairs.slice(0, 4)}${details(plural(count, 'column'), pairs.slice(4), rest)}`;
}

const cut = (value: string): string => (value.length > mostOfCell ? `${value.slice(0, mostOfCell)}…` : value);
