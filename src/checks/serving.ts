import type { Check, DriftFinding } from '../contract';
import { quantile } from '../stats';
import { explanation, type Pair, type Predictions } from './servingCause';

export type { Predictions };

export interface ServingConsistencyOptions {
  /** Largest difference of a score that is let pass, default 1e-5: what another order of float32 sums can do. */
  tolerance?: number;
}

/** Rows and ids told in a sentence; findings hold twenty. */
const shownRows = 3;
const keptRows = 20;

/**
 * Gate. Predictions of the served model against the offline ones of the same rows, row by row: ids on one side only, other labels, scores
 * further apart than the tolerance, and whether one cause explains all of it. Any other label fails it, as does any row without an answer.
 */
export function servingConsistency({
  offline,
  served,
  tolerance = 1e-5,
}: { offline: Predictions; served: Predictions } & ServingConsistencyOptions): Check {
  const base = { name: 'serving-consistency', gate: true, pValue: null } as const;
  const shape = shapeProblem('offline', offline) ?? shapeProblem('served', served) ?? classProblem(offline, served);
  if (shape !== null)
    return {
      ...base,
      status: 'fail',
      statistic: null,
      detail: shape,
      mend: 'Write the predictions of both sides with the same classes, one score a class and row.',
    };
  const rows = matched(offline, served);
  const compared = compare(offline, served, rows.pairs, tolerance);
  const findings = [
    ...idFinding(
      'without an answer of the served model',
      rows.missing,
      offline.ids.length,
      'Send every row to the served model; look for rows it refused.',
    ),
    ...idFinding(
      'answered by the served model, but not predicted offline',
      rows.unknown,
      served.ids.length,
      'Compare the same rows on both sides.',
    ),
    ...idFinding('repeated on a side', rows.repeated, offline.ids.length, 'Write each id once.'),
    ...labelFinding(compared, rows.pairs.length),
    ...scoreFindings(offline, compared, rows.pairs.length, tolerance),
  ];
  const failed =
    rows.missing.length + rows.unknown.length + rows.repeated.length + compared.differing.length + compared.notFinite.length > 0;
  const why = compared.above.length > 0 || compared.differing.length > 0 ? explanation(offline, served, rows.pairs, tolerance) : null;
  if (findings.length === 0 && rows.pairs.length > 0)
    return {
      ...base,
      status: 'pass',
      statistic: compared.largest,
      detail: `The served model answers all ${rows.pairs.length} rows as offline: the same labels, scores at most ${digits(compared.largest)} apart.`,
    };
  return {
    ...base,
    status: failed || rows.pairs.length === 0 ? 'fail' : 'warn',
    statistic: compared.largest,
    detail: [
      rows.pairs.length === 0 ? 'No row stands on both sides.' : '',
      ...findings.map(({ detail }) => detail),
      why === null ? '' : `${why.detail}`,
    ]
      .filter((part) => part !== '')
      .join(' '),
    mend: why?.mend ?? findings[0]?.mend ?? 'Compare the same rows on both sides.',
    findings,
  };
}

function shapeProblem(side: string, { ids, classes, scores, labels }: Predictions): string | null {
  if (scores.length !== ids.length * classes.length)
    return `The ${side} predictions hold ${scores.length} scores, expected ${ids.length} rows times ${classes.length} classes.`;
  if (labels !== undefined && labels.length !== ids.length)
    return `The ${side} predictions hold ${labels.length} labels, expected ${ids.length}.`;
  if (new Set(classes).size < classes.length) return `The ${side} predictions name a class twice: ${classes.join(', ')}.`;
  return null;
}

function classProblem(offline: Predictions, served: Predictions): string | null {
  const lost = offline.classes.filter((name) => !served.classes.includes(name));
  const added = served.classes.filter((name) => !offline.classes.includes(name));
  if (lost.length + added.length === 0) return null;
  return `The served model knows other classes than the offline one${lost.length > 0 ? `; not served: ${lost.join(', ')}` : ''}${added.length > 0 ? `; served alone: ${added.join(', ')}` : ''}.`;
}

function matched(offline: Predictions, served: Predictions): { pairs: Pair[]; missing: string[]; unknown: string[]; repeated: string[] } {
  const places = new Map(served.ids.map((id, place) => [id, place]));
  const known = new Map(offline.ids.map((id, place) => [id, place]));
  const repeated = new Set([...repeatedOf(offline.ids), ...repeatedOf(served.ids)]);
  const pairs = [...known].flatMap(([id, place]) => {
    const other = places.get(id);
    return other === undefined || repeated.has(id) ? [] : [{ id, offline: place, served: other }];
  });
  return {
    pairs,
    missing: [...known.keys()].filter((id) => !places.has(id)),
    unknown: [...places.keys()].filter((id) => !known.has(id)),
    repeated: [...repeated],
  };
}

function repeatedOf(ids: readonly string[]): string[] {
  const seen = new Set<string>();
  return ids.filter((id) => seen.size === seen.add(id).size);
}

interface Compared {
  differing: { id: string; offline: string; served: string }[];
  /** Ids of rows with a score that is no number on one side alone. */
  notFinite: string[];
  /** Ids of rows with a score beyond the tolerance, in the offline order. */
  above: string[];
  largest: number;
  /** Differences by class, in the offline order of classes and rows. */
  gaps: Float64Array[];
}

function compare(offline: Predictions, served: Predictions, pairs: readonly Pair[], tolerance: number): Compared {
  const width = offline.classes.length;
  const column = offline.classes.map((name) => served.classes.indexOf(name));
  const gaps = offline.classes.map(() => new Float64Array(pairs.length));
  const found: Compared = { differing: [], notFinite: [], above: [], largest: 0, gaps };
  for (const [i, pair] of pairs.entries()) {
    let rowLargest = 0;
    for (const [c, own] of gaps.entries()) {
      const a = offline.scores[pair.offline * width + c] ?? Number.NaN;
      const b = served.scores[pair.served * width + (column[c] ?? 0)] ?? Number.NaN;
      const gap = Object.is(a, b) || a === b ? 0 : Math.abs(a - b);
      own[i] = Number.isFinite(gap) ? gap : Infinity;
      rowLargest = Math.max(rowLargest, own[i] ?? 0);
    }
    if (rowLargest === Infinity) found.notFinite.push(pair.id);
    else found.largest = Math.max(found.largest, rowLargest);
    if (rowLargest > tolerance) found.above.push(pair.id);
    const [label, other] = [labelOf(offline, pair.offline), labelOf(served, pair.served)];
    if (label !== other && !tied(offline, served, pair.offline, label, other))
      found.differing.push({ id: pair.id, offline: label, served: other });
  }
  return found;
}

function labelOf({ classes, scores, labels }: Predictions, row: number): string {
  const given = labels?.[row];
  if (given !== undefined) return given;
  let best = 0;
  for (let c = 1; c < classes.length; c++)
    if ((scores[row * classes.length + c] ?? Number.NaN) > (scores[row * classes.length + best] ?? Number.NaN)) best = c;
  return classes[best] ?? '';
}

/** Two classes with exactly the same score offline: which of them is the label is the order of classes, not the model. */
function tied(offline: Predictions, served: Predictions, row: number, label: string, other: string): boolean {
  if (offline.labels !== undefined || served.labels !== undefined) return false;
  const scoreOf = (name: string): number | undefined => offline.scores[row * offline.classes.length + offline.classes.indexOf(name)];
  return scoreOf(label) === scoreOf(other);
}

const plain = { test: 'none', statistic: null, pValue: null, adjustedPValue: null, since: null, picture: null, alarm: true } as const;

function idFinding(what: string, ids: readonly string[], rows: number, mend: string): DriftFinding[] {
  if (ids.length === 0) return [];
  const share = ids.length / Math.max(1, rows);
  return [
    {
      ...plain,
      column: 'prediction',
      what: 'missing',
      effect: { name: 'difference-of-shares', value: share, bound: 0 },
      sizes: { rows: ids.length },
      detail: `${counted(ids.length, 'row is', 'rows are')} ${what}: ${listed(ids)}.`,
      where: { segment: `rows ${what}`, share: { reference: 0, current: share }, rows: ids.slice(0, keptRows) },
      mend,
    },
  ];
}

function labelFinding({ differing }: Compared, rows: number): DriftFinding[] {
  if (differing.length === 0) return [];
  const share = differing.length / rows;
  const ways = new Map<string, number>();
  for (const { offline, served } of differing) ways.set(`${offline} became ${served}`, (ways.get(`${offline} became ${served}`) ?? 0) + 1);
  const [way, count] = [...ways].sort((a, b) => b[1] - a[1])[0] ?? ['', 0];
  return [
    {
      ...plain,
      column: 'prediction',
      what: 'prediction',
      effect: { name: 'difference-of-shares', value: share, bound: 0 },
      sizes: { rows: differing.length },
      detail: `${differing.length} of ${rows} rows got another label from the served model (${percent(share)}; most often ${way}, ${count}): ${listed(differing.map(({ id, offline, served }) => `${id} (${offline}, served ${served})`))}.`,
      where: { segment: way, share: { reference: 0, current: count / rows }, rows: differing.slice(0, keptRows).map(({ id }) => id) },
      mend: 'Compare weights, preprocessing and precision of the served model with the offline one on the first of these rows.',
    },
  ];
}

function scoreFindings(offline: Predictions, { gaps, above, notFinite }: Compared, rows: number, tolerance: number): DriftFinding[] {
  if (above.length === 0) return [];
  return offline.classes.flatMap((name, c): DriftFinding[] => {
    const own = gaps[c] ?? new Float64Array(0);
    const beyond = own.filter((gap) => gap > tolerance).length;
    if (beyond === 0) return [];
    const finite = own.filter((gap) => gap < Infinity);
    const sizes = { rows: beyond, median: quantile(finite, 0.5) ?? 0, p99: quantile(finite, 0.99) ?? 0, largest: quantile(finite, 1) ?? 0 };
    return [
      {
        ...plain,
        column: `score of ${name}`,
        what: 'prediction',
        effect: { name: 'difference-of-shares', value: beyond / rows, bound: 0 },
        sizes,
        detail: `The score of ${name} is more than ${digits(tolerance)} apart in ${beyond} of ${rows} rows (median ${digits(sizes.median)}, 99 % ${digits(sizes.p99)}, largest ${digits(sizes.largest)}${notFinite.length > 0 ? `; ${notFinite.length} rows hold no number on one side` : ''}), first ${listed(above)}.`,
        where: {
          segment: `scores more than ${digits(tolerance)} apart`,
          share: { reference: 0, current: beyond / rows },
          rows: above.slice(0, keptRows),
        },
        mend: 'Compare preprocessing, precision and batch size of the served model with the offline one.',
      },
    ];
  });
}

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;
const listed = (items: readonly string[]): string =>
  `${items.slice(0, shownRows).join(', ')}${items.length > shownRows ? ` and ${items.length - shownRows} more` : ''}`;
const digits = (value: number): string => String(Number(value.toPrecision(3)));
const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;
