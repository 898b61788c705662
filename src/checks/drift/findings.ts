import type { ColumnProfile, DriftFinding } from '../../contract';
import { compareCategories, newCategories } from './categories';
import { compareMissing } from './missing';
import { compareNumbers } from './numbers';
import { schemaChanges } from './schema';
import { settle } from './settle';
import { type Between, classColumn, type Side, type Tested } from './side';

export interface Limits {
  /** Share of false alarms among the alarms that is borne. */
  alpha: number;
  /** Smaller changes are no alarm, however significant. */
  minEffect: number;
}

/**
 * What is different between two profiles, column by column, and in the classes where both sides have them; strongest first.
 * `predictions`: the columns are those of a `PredictionProfile`. `timeMoves`: one side is of another time, so that columns of times are
 * later by themselves and only their gaps are told.
 */
export function driftFindings(
  reference: Side,
  current: Side,
  {
    alpha,
    minEffect,
    between = { reference: 'the reference', current: 'the current data' },
    predictions = false,
    timeMoves = false,
  }: Limits & { between?: Between; predictions?: boolean; timeMoves?: boolean },
): DriftFinding[] {
  const others = new Map(current.columns.map((column) => [column.name, column]));
  const found: DriftFinding[] = schemaChanges(reference, current, between);
  const odd = new Set(found.map(({ column }) => column));
  for (const column of reference.columns) {
    const other = others.get(column.name);
    if (other === undefined || odd.has(column.name)) continue;
    const tested = compareColumn(column, other, between, minEffect, predictions ? 'prediction' : null);
    found.push(...tested.filter(({ what }) => !(timeMoves && column.kind === 'time' && what === 'distribution')));
  }
  if (reference.classes !== undefined && current.classes !== undefined)
    found.push(...compareColumn(classColumn(reference), classColumn(current), between, minEffect, 'label'));
  return settle(found, alpha);
}

function compareColumn(
  a: ColumnProfile,
  b: ColumnProfile,
  between: Between,
  bound: number,
  role: 'label' | 'prediction' | null,
): DriftFinding[] {
  const found: DriftFinding[] = [];
  const add = (what: DriftFinding['what'], tested: Tested | null): void => {
    if (tested !== null) found.push(finding(a.name, what, tested, bound, between));
  };
  if (a.kind === b.kind && a.kind === 'category') {
    add(role ?? 'distribution', compareCategories(a, b, between));
    add('new-category', newCategories(a, b, between));
  } else if (a.kind === b.kind) add(role ?? 'distribution', compareNumbers(a, b, between));
  add('missing', compareMissing(a, b, between));
  return found;
}

const finding = (column: string, what: DriftFinding['what'], tested: Tested, bound: number, between: Between): DriftFinding => ({
  column,
  what,
  test: tested.test,
  statistic: tested.statistic,
  pValue: tested.pValue,
  adjustedPValue: null,
  effect: { ...tested.effect, bound },
  sizes: tested.sizes,
  alarm: false,
  detail: tested.detail,
  where: tested.where,
  since: null,
  mend: mends[what](column, between),
  picture: tested.picture,
});

const mends: Record<DriftFinding['what'], (column: string, between: Between) => string> = {
  distribution: (column, { reference }) =>
    `Find out what changed where "${column}" comes from. If the change is real, train on data like the current ones; results on ${reference} do not carry over.`,
  missing: (column) => `Mend what fills "${column}", or teach the model to do without it.`,
  'new-category': (column) =>
    `Look whether the new values of "${column}" are the old ones written otherwise. If they are new, the model has not learnt them: train on rows that have them.`,
  schema: (column) => `Bring "${column}" back as it was, or take a new reference and train again.`,
  label: (_, { reference }) =>
    `Find out whether the classes became more or less common or are labelled otherwise. Metrics that depend on their shares, as accuracy does, do not carry over from ${reference}.`,
  prediction: (column) =>
    `Look which columns moved too. If none did, the model itself is another one, or is served otherwise ("${column}"); compare its predictions on the same rows.`,
  multivariate: () => 'Look at the columns named together: each alone may be as before, and how they go together is not.',
};
