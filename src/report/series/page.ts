import type { SeriesLook, SeriesRecord } from '../../contract';
import { renderChart } from '../charts/render';
import { htmlDocument } from '../document';
import { formatCount, formatDifference, formatDifferenceInterval, formatNumber, formatTime } from '../formatters';
import { type Html, html } from '../html';
import { metricInfo, metricTitle } from '../metricInfo';
import { limitText } from '../reading';
import { bullets, code, details, facts, name, plural, scroll, section, table } from '../sections/parts';
import { alphaChart, effectChart } from './charts';
import { drawn, levelWords } from './reading';

/** The page of a series: where it stands, the effect over time, every look, what was alerted. `sentence`: where it stands, in words. */
export async function renderSeries(record: SeriesRecord, sentence: string): Promise<string> {
  return htmlDocument({
    title: `${record.name}: ${sentence}`,
    skipTo: 'where it stands',
    body: await seriesBody(record, sentence),
    footer: `assay · series ${record.name} · ${record.schema}`,
  });
}

/** The same without the document around it; `link` names the page of an experiment. */
export async function seriesBody(record: SeriesRecord, sentence: string, link: LinkOf = () => null): Promise<Html> {
  const { looks, question } = record;
  const tone = record.state === 'decided' ? 'adopt' : record.state === 'running' ? 'inconclusive' : 'keep';
  const badge = { running: '? Open', decided: '✓ Decided', futile: '■ Keep the control', 'budget-used': '– Budget used' }[record.state];
  return html`<header class="verdict ${tone}">
<p class="eyebrow">series ${name(record.name)}</p>
<p class="badges"><span class="badge">${badge}</span></p>
<h1>${metricTitle(question.primary)} of ${question.candidates.join(', ')} against ${question.control}: ${sentence}</h1>
${record.hypothesis === null ? null : html`<p class="hypothesis"><span>Hypothesis</span> ${record.hypothesis}</p>`}
<p class="meta">${plural(looks.length, 'look')} in ${plural(record.runs, 'run')} · ${formatNumber(looks.at(-1)?.cumulativeAlpha ?? 0)} of alpha ${formatNumber(record.plan.alpha)} spent · since ${formatTime(record.createdAt)}</p>
</header>
${alerts(record)}
${await drawings(record)}
${looks.length === 0 ? null : looksTable(record, link)}
${failures(record, link)}
${planSection(record)}`;
}

function alerts({ alerts: found }: SeriesRecord): Html | null {
  if (found.length === 0) return null;
  const newest = found.slice(-10).reverse();
  return html`<div class="alert deviation" role="note"><h2>Alerts</h2>${bullets(newest.map(({ look, when, sentence }) => html`${formatTime(when)}, look ${look}: ${sentence}`))}</div>`;
}

async function drawings(record: SeriesRecord): Promise<Html | null> {
  if (!record.looks.some((look) => drawn(look).difference !== null)) return null;
  const [effect, alpha] = [effectChart(record), alphaChart(record)];
  return section(
    'effect-over-time',
    'The effect over time',
    html`<figure class="primary"><figcaption><strong>${effect.title}</strong><span class="hint">Bars: ${levelWords(record)}. Better is up; the dashed line is the margin. A diamond decided; a triangle marks a verdict that turned, a square data that moved. Wide early bounds are cut.</span></figcaption>${scroll('effect-title', await renderChart(effect))}<p class="n">n = ${plural(record.looks.length, 'look')}, the last of ${formatCount(record.looks.at(-1)?.information)} ${record.plan.scheme === 'new-units' ? 'units' : 'test rows'}. Every look’s numbers stand in the table below.</p></figure>
<figure><figcaption><strong>${alpha.title}</strong><span class="hint">the dashed line is all there is to spend</span></figcaption>${scroll('alpha-title', await renderChart(alpha))}<p class="n">n = ${plural(record.looks.length, 'look')}.</p>${details('Data', alphaTable(record))}</figure>`,
  );
}

const alphaTable = ({ looks }: SeriesRecord): Html =>
  table(
    'alpha-data',
    'Alpha spent at each look',
    [{ head: 'look', number: true }, { head: 'when' }, { head: 'spent', number: true }, { head: 'so far', number: true }],
    looks.map(({ look, when, alphaSpent, cumulativeAlpha }) => [
      look,
      formatTime(when),
      formatNumber(alphaSpent),
      formatNumber(cumulativeAlpha),
    ]),
  );

type LinkOf = (experimentId: string) => string | null;

function experiment(id: string, link: LinkOf): Html {
  const href = link(id);
  return href === null ? code(id) : html`<a href="${href}">${code(id)}</a>`;
}

function looksTable(record: SeriesRecord, link: LinkOf): Html {
  const { primary } = record.question;
  const units = record.plan.scheme === 'new-units';
  const row = (look: SeriesLook) => {
    const { difference, low, high } = drawn(look);
    const notes = [look.note, look.drift === null ? null : `drift: ${look.drift}`, look.alert].filter((note) => note !== null);
    return [
      html`${look.look}`,
      formatTime(look.when),
      html`${formatDifference(primary, difference)}<span class="sub">${formatDifferenceInterval(primary, low, high)}</span>`,
      look.pValue === null
        ? '–'
        : html`${formatNumber(look.pValue)}<span class="sub">${look.boundary === null ? '' : `decides at ${formatNumber(look.boundary)}`}</span>`,
      html`${formatCount(look.information)}${look.newUnits === null ? null : html`<span class="sub">${formatCount(look.newUnits)} new</span>`}`,
      html`${look.verdict}<span class="sub">series: ${look.decision}</span>`,
      html`${experiment(look.experimentId, link)}<span class="sub">${look.snapshot.slice(0, 19)}…</span>`,
      html`<span class="note">${notes.join('; ') || '–'}</span>`,
    ];
  };
  return section(
    'looks',
    'Every look',
    table(
      'looks-table',
      'Newest first',
      [
        { head: 'look' },
        { head: 'when' },
        { head: units ? 'running mean' : 'difference', number: true },
        { head: 'p', number: true },
        { head: units ? 'units so far' : 'test rows', number: true },
        { head: 'verdict' },
        { head: 'experiment and data' },
        { head: 'notes' },
      ],
      [...record.looks].reverse().map(row),
      'wide',
    ),
  );
}

function failures({ failures: found }: SeriesRecord, link: LinkOf): Html | null {
  if (found.length === 0) return null;
  const newest = found.slice(-20).reverse();
  return section(
    'failures',
    'Runs without a result',
    bullets(
      newest.map(
        ({ experimentId, when, status, message }) => html`${formatTime(when)} ${experiment(experimentId, link)} ${status}: ${message}`,
      ),
    ),
  );
}

function planSection({ question, plan, gpuHours, experiment }: SeriesRecord): Html {
  const { primary, test, margin, marginRelative } = question;
  return section(
    'plan',
    'The rule, fixed before the first look',
    facts([
      ['Experiment', name(experiment)],
      ['Metric', `${metricTitle(primary)}, ${metricInfo(primary).better} is better`],
      ['Test', test],
      ['Margin', margin === 0 ? 'none' : limitText(primary, margin, marginRelative)],
      [
        'Looks',
        plan.scheme === 'overlapping'
          ? 'may share rows; look k spends 6 alpha / (π² k²), so that all looks together err with at most alpha'
          : 'only units never seen before enter one running mean, whose bounds hold at any look',
      ],
      ['Alpha', formatNumber(plan.alpha)],
      ['Ends after', plan.maxRuns === null ? 'no number of runs' : plural(plan.maxRuns, 'run')],
      [
        'Budget',
        plan.gpuHours === null
          ? `none; ${formatNumber(gpuHours)} GPU-hours used`
          : `${formatNumber(gpuHours)} of ${formatNumber(plan.gpuHours)} GPU-hours`,
      ],
    ]),
  );
}
