import type { Divergence, ReplayReport, ReplayStream, ReplayTolerance, ReplayedRun } from '../../contract';

const streamNames: Record<ReplayStream, string> = {
  order: 'data order',
  loss: 'loss',
  checkpoint: 'checkpoint digest',
  predictions: 'predictions',
  end: 'end',
};

type Compared = Pick<ReplayedRun, 'class' | 'first' | 'beyond' | 'order' | 'loss' | 'checkpoint' | 'predictions'>;

/** One run: its class, where it diverges, and what nobody recorded. */
export function runSentence(run: Compared, tolerance: ReplayTolerance): string {
  const missing = (['order', 'loss', 'checkpoint'] as const).filter((name) => !run[name].recorded).map((name) => streamNames[name]);
  const unseen = missing.length === 0 ? '' : `; not recorded: ${missing.join(', ')}`;
  switch (run.class) {
    case 'bit-exact': {
      const equal = (['order', 'loss', 'checkpoint', 'predictions'] as const)
        .filter((name) => run[name].recorded)
        .map((name) => streamNames[name]);
      return `bit-exact over ${stepsOf(run)} steps and ${run.predictions.rows} predictions: ${equal.join(', ')}${unseen}`;
    }
    case 'within-tolerance':
      return `within tolerance (${toleranceText(tolerance)}): the first bit differs ${placed(run.first)}; ${sizes(run)}${unseen}`;
    case 'different':
      return `different: it diverges ${placed(run.first)}${later(run)}; ${sizes(run)}${unseen}`;
    default:
      return run.class satisfies never;
  }
}

/** All runs in one sentence. */
export function replaySentence(of: string, runs: readonly Pick<ReplayedRun, 'variant' | 'seed' | 'class' | 'first' | 'causes'>[]): string {
  const counted = (what: ReplayReport['class']): number => runs.filter((run) => run.class === what).length;
  const [exact, close, other] = [counted('bit-exact'), counted('within-tolerance'), counted('different')];
  const of_ = `replay of ${of}`;
  if (exact === runs.length) return `${of_}: bit-exact, ${runs.length === 1 ? 'its run' : `all ${runs.length} runs`}`;
  const worst = runs.find((run) => run.class === (other > 0 ? 'different' : 'within-tolerance'));
  const parts = [
    ...(other > 0 ? [`${other} different`] : []),
    ...(close > 0 ? [`${close} within tolerance`] : []),
    ...(exact > 0 ? [`${exact} bit-exact`] : []),
  ];
  const where = worst === undefined ? '' : `; ${worst.variant} seed ${worst.seed} diverges ${placed(worst.first)}`;
  const why = worst?.causes[0] === undefined ? '' : ` (${worst.causes[0]})`;
  return `${of_}: ${parts.join(', ')} of ${runs.length}${where}${why}`;
}

const toleranceText = ({ rtol, atol, scores }: ReplayTolerance): string =>
  `losses within ${atol} + ${rtol} of the original's, scores within ${scores}, every class the same`;

/** "at step 3 in the data order: 9f…, now 01…". */
function placed(at: Divergence | null): string {
  if (at === null) return 'nowhere';
  const where = at.step === null ? `in the ${streamNames[at.stream]}` : `at step ${at.step} in the ${streamNames[at.stream]}`;
  return `first ${where}: ${at.original}, now ${at.replay}`;
}

/** Where it leaves the tolerance, if that is elsewhere. */
function later({ first, beyond }: Compared): string {
  if (beyond === null || (beyond.step === first?.step && beyond.stream === first.stream)) return '';
  return `, and leaves the tolerance ${placed(beyond).replace('first ', '')}`;
}

function sizes({ loss, predictions }: Compared): string {
  const furthest = loss.largest === null ? '' : `losses differ by at most ${short(loss.largest.absolute)} (step ${loss.largest.step}), `;
  return `${furthest}scores of ${predictions.differing} of ${predictions.rows} rows by at most ${short(predictions.largest)}, ${predictions.classes} with another class`;
}

const stepsOf = ({ loss, order }: Compared): number => Math.max(loss.compared, order.compared);

const short = (value: number): string => String(Number(value.toPrecision(3)));
