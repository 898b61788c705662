import { htmlDocument } from '../document';
import { formatConfidence, formatCount, formatDifference, formatInterval, formatMetric, formatTime } from '../formatters';
import { type Html, type HtmlValue, html } from '../html';
import { metricInfo, metricTitle } from '../metricInfo';
import { direction, directionWords } from '../reading';
import { checkWords } from '../sections/checks';
import { differenceCells, differenceColumns, scaleOf, withReading } from '../sections/differenceTable';
import { code, name, section, table } from '../sections/parts';
import { badges } from '../sections/verdict';
import type { Change } from './changes';
import type { Against, CheckPair } from './compare';
import type { EffectPair } from './effects';
import { againstSentence, dependenceSentence, levelOf, written } from './words';

/** Two experiments on one self-contained page: what changed between them, and what that did to verdict, effects, metrics and checks. */
export function renderAgainst(against: Against): string {
  const { experiment, against: before } = against;
  const sentence = againstSentence(against);
  return htmlDocument({
    title: `${experiment.experiment} against ${before.experiment}: ${sentence}`,
    skipTo: 'what changed',
    body: html`<header class="verdict ${experiment.verdict.outcome}">
<p class="eyebrow">${name(experiment.experiment)} against ${name(before.experiment)}</p>
<h1>${sentence}</h1>
<p>${dependenceSentence(against)}</p>
${against.series === null ? null : html`<p class="meta">Both are looks of the series ${name(against.series.name)}: look ${against.series.looks[1]}, then look ${against.series.looks[0]}. The series weighs all its looks together; this page weighs two.</p>`}
</header>
${verdicts(against)}
${changes(against)}
${effects(against)}
${metrics(against)}
${checks(against)}`,
    footer: `assay · ${experiment.experiment} against ${before.experiment} · ${against.schema}`,
  });
}

const heads = ({ experiment, against }: Against): [HtmlValue, HtmlValue] =>
  [against, experiment].map((side) => html`${name(side.experiment)}`) as [Html, Html];

function verdicts(against: Against): Html {
  const sides = [against.against, against.experiment];
  const row = (head: string, tell: (side: Against['experiment']) => HtmlValue): HtmlValue[] => [head, ...sides.map(tell)];
  const [before, after] = heads(against);
  return section(
    'verdicts',
    'The verdicts',
    table(
      'verdict-table',
      'Side by side',
      [{ head: 'What' }, { head: before }, { head: after }],
      [
        row('Verdict', ({ verdict }) => html`<strong>${badges[verdict.outcome].symbol} ${badges[verdict.outcome].word}</strong>`),
        row('Answer', (side) => side.answer),
        row('Test rows', ({ testRows }) => formatCount(testRows)),
        row('Seeds', ({ seeds }) => seeds.join(', ')),
        row('Finished', ({ finishedAt }) => formatTime(finishedAt)),
      ],
      'wide',
    ),
  );
}

const aboutWords: Record<Change['about'], string> = {
  spec: 'Spec',
  data: 'Data',
  seeds: 'Seeds',
  code: 'Code',
  image: 'Image',
  environment: 'Environment',
};

function changes(against: Against): Html {
  const [before, after] = heads(against);
  const same = (Object.keys(aboutWords) as Change['about'][]).filter(
    (about) => !against.changes.some((change) => change.about === about) && (about !== 'spec' || against.specsKnown),
  );
  const alike =
    same.length === 0 ? null : html`<p>The same in both: ${same.map((about) => aboutWords[about].toLowerCase()).join(', ')}.</p>`;
  const unknown = against.specsKnown
    ? null
    : html`<p>The spec of one of them is no longer there: whether the specs differ is not known.</p>`;
  return section(
    'changes',
    'What changed between them',
    against.changes.length === 0
      ? null
      : table(
          'change-table',
          'Keys whose values are different',
          [{ head: 'Key' }, { head: 'Of' }, { head: before }, { head: after }],
          against.changes.map((change) => [
            change.key,
            aboutWords[change.about],
            code(written(change.before)),
            code(written(change.after)),
          ]),
          'wide',
        ),
    alike,
    unknown,
  );
}

function effects(against: Against): Html {
  const byMetric = new Map<string, EffectPair[]>();
  for (const pair of against.effects) byMetric.set(pair.metric, [...(byMetric.get(pair.metric) ?? []), pair]);
  return section(
    'effects',
    'The effects',
    html`<p class="lead">Variant minus control in each experiment, and how much that changed. Right is better, whatever the metric.</p>`,
    [...byMetric].map(([metric, pairs], i) => effectTable(against, metric, pairs, `effect-${i + 1}`)),
  );
}

function effectTable(against: Against, metric: string, pairs: readonly EffectPair[], id: string): Html {
  const rows = pairs.flatMap(({ variant, before, after, change }) => [
    {
      head: html`${name(variant.before)} <span class="sub">${name(against.against.experiment)}</span>`,
      row: before,
      level: formatConfidence(before.confidence),
      n: formatCount(before.n),
      why: before.claim,
    },
    {
      head: html`${name(variant.after)} <span class="sub">${name(against.experiment.experiment)}</span>`,
      row: after,
      level: formatConfidence(after.confidence),
      n: formatCount(after.n),
      why: after.claim,
    },
    {
      head: html`<strong>Change</strong>`,
      row: change,
      level: levelOf(change),
      n: '–',
      why: `${change.independent ? 'independent' : 'not independent'}: ${change.why}`,
    },
  ]);
  const read = rows.map(({ row }) => withReading(metric, row));
  const scale = scaleOf(metric, read);
  return table(
    id,
    html`${metricTitle(metric)} <span class="muted">${metricInfo(metric).better} is better${pairs[0]?.role === 'secondary' ? '' : `, ${pairs[0]?.role ?? ''}`}</span>`,
    [
      { head: 'Of' },
      ...differenceColumns(scale),
      { head: 'Level', number: true },
      { head: 'Reading' },
      { head: 'n', number: true },
      { head: 'Claim' },
    ],
    rows.map(({ head, row, level, n, why }, i) => {
      const way = direction({ metric, ...row });
      return [
        head,
        ...differenceCells(scale, read[i] as (typeof read)[number]),
        level,
        html`<span class="way ${way}">${directionWords[way].symbol} ${directionWords[way].word}</span>`,
        n,
        html`<span class="note">${why}</span>`,
      ];
    }),
    'wide forest',
  );
}

function metrics(against: Against): Html {
  const [before, after] = heads(against);
  const cell = (metric: string, value: Against['metrics'][number]['after']): HtmlValue =>
    value === null
      ? '–'
      : html`${formatMetric(metric, value.estimate)}<span class="sub">${formatInterval(metric, value.low, value.high)}</span>`;
  return section(
    'metrics',
    'Metrics by variant',
    table(
      'metric-table',
      html`Estimates with their intervals. <span class="muted">The change of a variant’s own value has no interval${against.experiment.snapshot === against.against.snapshot ? null : html`: the rows changed as well`}.</span>`,
      [
        { head: 'Metric' },
        { head: 'Variant' },
        { head: before, number: true },
        { head: after, number: true },
        { head: 'Change', number: true },
      ],
      against.metrics.map(({ metric, variant, before: then, after: now }) => [
        metricInfo(metric).label,
        name(variant),
        cell(metric, then),
        cell(metric, now),
        typeof then?.estimate === 'number' && typeof now?.estimate === 'number'
          ? formatDifference(metric, now.estimate - then.estimate)
          : '–',
      ]),
      'wide',
    ),
  );
}

function checks(against: Against): Html {
  const [before, after] = heads(against);
  const cell = (check: CheckPair['after']): HtmlValue =>
    check === null
      ? 'not run'
      : html`<span class="status ${check.status}">${checkWords[check.status].symbol} ${checkWords[check.status].word}</span><span class="sub">${check.detail}</span>`;
  return section(
    'checks',
    'Checks that changed',
    against.checks.length === 0
      ? html`<p>None: every check came to the same.</p>`
      : table(
          'check-table',
          'Another status, or another finding',
          [{ head: 'Check' }, { head: before }, { head: after }],
          against.checks.map((pair) => [pair.name, cell(pair.before), cell(pair.after)]),
          'wide',
        ),
  );
}
