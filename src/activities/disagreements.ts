import { setImmediate as turn } from 'node:timers/promises';
import type { Answer, Disagreements, ExperimentPlan, ResolvedSpec, RowContent, Snapshot } from '../contract';
import type { SplitRow } from '../data';
import { type KnownColumns, rowContents } from './rowContents';
import type { TestColumnsDeps } from './testColumns';

/** What the experiment asks to be told: the rows on which each candidate that is compared is farthest from the control, with their content. */
export async function disagreementsOf(
  deps: TestColumnsDeps,
  {
    spec,
    plan,
    snapshot,
    test,
    runs,
    ...known
  }: KnownColumns & {
    spec: Pick<ResolvedSpec, 'report'>;
    plan: Pick<ExperimentPlan, 'control' | 'variants' | 'plan'>;
    snapshot: Snapshot;
    test: readonly SplitRow[];
    runs: readonly ScoredRun[];
  },
): Promise<Disagreements[]> {
  const { control } = plan;
  const others = plan.variants.map(({ name }) => name).filter((name) => name !== control && !plan.plan.stopped?.includes(name));
  // A spec that an earlier version resolved has no such section.
  const { rows, content } = (spec.report as ResolvedSpec['report'] | undefined) ?? { rows: 20, content: true };
  const found = await findDisagreements({ classes: snapshot.classes, test, control, candidates: others, runs, rows });
  const places = found.flatMap((one) => one.rows.map(({ at }) => at));
  return withContents(found, content ? await rowContents(deps, snapshot, test, known, places) : null);
}

/** Scores of one finished run, row-major rows x classes, in the order of the test split. */
export interface ScoredRun {
  variant: string;
  seed: number;
  scores: Float64Array;
}

export interface DisagreementInput {
  classes: readonly string[];
  test: readonly { id: string | number; label: string }[];
  control: string;
  candidates: readonly string[];
  runs: readonly ScoredRun[];
  /** Rows told of each candidate. */
  rows: number;
}

/** As `Disagreements`, with the rows' places in the test split. */
type FoundDisagreements = Omit<Disagreements, 'rows' | 'withContent'> & {
  rows: (Omit<Disagreements['rows'][number], 'content'> & { at: number })[];
};

/** Below, two variants answer a row alike: what rounding makes of equal scores. */
const alike = 1e-9;
/** How long it works before others, such as heartbeats, have their turn. */
const longestTurnMs = 40;

/**
 * The test rows on which each candidate's mean scores are farthest from the control's (total variation), in one pass over the scores of all
 * runs and in the memory of a row. Candidates without scores are left out.
 */
export async function findDisagreements({
  classes,
  test,
  control,
  candidates,
  runs,
  rows,
}: DisagreementInput): Promise<FoundDisagreements[]> {
  const of = (name: string): Arm => arm(name, runs, classes.length);
  const [base, others] = [of(control), candidates.map(of).filter(({ scores }) => scores.length > 0)];
  if (base.scores.length === 0) return [];
  const found = others.map((other) => ({ other, differing: 0, farthest: new Farthest(rows) }));
  let since = performance.now();
  for (let row = 0; row < test.length; row++) {
    const usual = answer(base, row);
    for (const each of found) {
      if (answer(each.other, row) !== usual) each.differing += 1;
      each.farthest.offer(row, distance(base.mean, each.other.mean));
    }
    if (row % 1024 === 0 && performance.now() - since > longestTurnMs) {
      await turn();
      since = performance.now();
    }
  }
  return found.map(({ other, differing, farthest }) => ({
    ...{ control, variant: other.name, of: test.length, differing },
    rows: farthest.rows.map(({ row, gap }) => ({
      at: row,
      id: String(test[row]?.id),
      label: test[row]?.label ?? '',
      control: answerOf(base, row, classes),
      variant: answerOf(other, row, classes),
      gap: Math.min(1, gap),
    })),
  }));
}

/** With the content of the rows, by their places; null leaves it out. */
export const withContents = (
  found: readonly FoundDisagreements[],
  contents: ReadonlyMap<number, RowContent | null> | null,
): Disagreements[] =>
  found.map(({ rows, ...of }) => ({
    ...of,
    rows: rows.map(({ at, ...row }) => ({ ...row, content: contents?.get(at) ?? null })),
    withContent: contents !== null,
  }));

/** A variant's runs, and its mean scores of one row at a time. */
interface Arm {
  name: string;
  scores: Float64Array[];
  mean: Float64Array;
}

/** By seed, so that sums have one order. */
const arm = (name: string, runs: readonly ScoredRun[], classes: number): Arm => ({
  name,
  scores: runs
    .filter(({ variant }) => variant === name)
    .toSorted((a, b) => a.seed - b.seed)
    .map(({ scores }) => scores),
  mean: new Float64Array(classes),
});

/** Fills the mean of a row; the class it answers, the first of equals. */
function answer({ scores, mean }: Arm, row: number): number {
  const from = row * mean.length;
  let best = 0;
  for (let c = 0; c < mean.length; c++) {
    let sum = 0;
    for (const run of scores) sum += run[from + c] ?? 0;
    mean[c] = sum / scores.length;
    if ((mean[c] ?? 0) > (mean[best] ?? 0)) best = c;
  }
  return best;
}

function distance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let c = 0; c < a.length; c++) sum += Math.abs((a[c] ?? 0) - (b[c] ?? 0));
  return sum / 2;
}

function answerOf(own: Arm, row: number, classes: readonly string[]): Answer {
  const best = answer(own, row);
  const score = own.mean[best] ?? 0;
  const seeds = own.scores.filter((scores) => answer({ ...own, scores: [scores] }, row) === best).length;
  return { class: classes[best] ?? '', score: Math.min(1, Math.max(0, score)), seeds };
}

/** The rows of the largest gaps in falling order; of equals the earlier. */
class Farthest {
  readonly rows: { row: number; gap: number }[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** Rows are offered in their order. */
  offer(row: number, gap: number): void {
    const least = this.rows.length < this.#most ? alike : (this.rows.at(-1)?.gap ?? Number.POSITIVE_INFINITY);
    if (!(gap > least)) return;
    const place = this.rows.findIndex((one) => one.gap < gap);
    this.rows.splice(place === -1 ? this.rows.length : place, 0, { row, gap });
    if (this.rows.length > this.#most) this.rows.pop();
  }
}
