import type { Check, DriftFinding, Result } from '../../contract';
import { renderChart } from '../charts/render';
import { barsOf, sharesChart } from '../charts/shares';
import { formatCount, formatNumber, formatPercent, formatPValue } from '../formatters';
import { type Html, html } from '../html';
import { details, plural, section, table } from './parts';

/** Findings drawn of one check; the rest stand in its table. */
const drawn = 6;

/** What moved, by how much, where, since when, and what to do, each with a picture. Nothing where no check found anything. */
export async function findingsSection(result: Result): Promise<Html | null> {
  const told = result.checks.filter((check) => check.findings?.some(({ alarm }) => alarm));
  if (told.length === 0) return null;
  const blocks: Html[] = [];
  for (const [i, check] of told.entries()) blocks.push(await block(check, `finding-${i + 1}`));
  return section('findings', 'What moved', blocks);
}

async function block(check: Check, id: string): Promise<Html> {
  const alarms = (check.findings ?? []).filter(({ alarm }) => alarm);
  const sides = sidesOf(check.name);
  const panels: Html[] = [];
  for (const [i, finding] of alarms.slice(0, drawn).entries()) panels.push(await panel(finding, sides, `${id}-${i + 1}`));
  return html`<h3>${headings[check.name] ?? check.name}</h3><p class="lead">${check.detail}</p><div class="panels">${panels}</div>${
    alarms.length > drawn ? html`<p>${plural(alarms.length - drawn, 'more finding')} below.</p>` : null
  }${details(
    'All tests of this check',
    table(
      `${id}-table`,
      html`${check.name}: each test, strongest first`,
      [
        { head: 'Column' },
        { head: 'What' },
        { head: 'Test' },
        { head: 'Effect', number: true },
        { head: 'Bound', number: true },
        { head: 'p, adjusted', number: true },
        { head: 'PSI', number: true },
        { head: 'Alarm' },
      ],
      (check.findings ?? []).map((finding) => [
        finding.column,
        finding.what,
        finding.test,
        formatNumber(finding.effect.value),
        formatNumber(finding.effect.bound),
        finding.adjustedPValue === null ? '–' : formatPValue(finding.adjustedPValue),
        finding.sizes['psi'] === undefined ? '–' : formatNumber(finding.sizes['psi']),
        finding.alarm ? 'yes' : 'no',
      ]),
      'wide',
    ),
  )}`;
}

async function panel(finding: DriftFinding, sides: [string, string], id: string): Promise<Html> {
  const { column, detail, where, since, mend, picture } = finding;
  const facts = [
    ...(where === null
      ? []
      : [
          `Moved most: ${where.segment}, ${formatPercent(where.share.reference)} ${within(sides[0])}, ${formatPercent(where.share.current)} ${within(sides[1])}.`,
          ...(where.rows.length > 0 ? [`Rows that show it: ${where.rows.slice(0, 5).join(', ')}.`] : []),
        ]),
    ...(since === null ? [] : [`Since ${since}.`]),
    mend,
  ];
  const chart = picture === null ? null : await renderChart(sharesChart(finding, picture, sides, id));
  return html`<figure><figcaption><strong>${column}</strong> <span class="hint">${detail}</span></figcaption>${chart}${
    picture === null
      ? null
      : html`<p class="n">Filled: ${sides[0]}. Outlined: ${sides[1]}.${rowsBehind(picture, sides)}</p>${details(
          'Data',
          table(
            `${id}-data`,
            html`${column}: share of the rows`,
            [{ head: picture.edges === null ? 'Value' : 'Bin' }, { head: sides[0], number: true }, { head: sides[1], number: true }],
            barsOf(picture).map((bar) => [bar.label, formatPercent(bar.reference), formatPercent(bar.current)]),
          ),
        )}`
  }<p class="n">${facts.join(' ')}</p></figure>
`;
}

/** Findings of earlier versions do not say how many. */
const rowsBehind = ({ n }: NonNullable<DriftFinding['picture']>, sides: [string, string]): string =>
  n === undefined ? '' : ` n = ${formatCount(n.reference)} ${within(sides[0])} and ${formatCount(n.current)} ${within(sides[1])}.`;

const headings: Record<string, string> = {
  drift: 'Since the snapshot before',
  'prediction-drift': 'In the predictions, since the experiment before',
  'covariates-test': 'Between train and test',
  'covariates-validation': 'Between train and validation',
};

/** "before" and "now" stand alone; a split has rows in it. */
const within = (side: string): string => (side === 'before' || side === 'now' ? side : `in ${side}`);

const sidesOf = (check: string): [string, string] =>
  check.startsWith('covariates-') ? ['train', check.slice('covariates-'.length)] : ['before', 'now'];
