import type { Discrepancy, Divergence, ReplayStream } from '../../contract';

/** Of the environment: what numbers may depend on, likeliest first. Others, e.g. `platform`, come after. */
const likeliest = [
  'threads',
  'torch_threads',
  'torch',
  'numpy',
  'sklearn',
  'scipy',
  'blas',
  'device model',
  'device',
  'cuda',
  'cpu',
  'image',
  'python',
];

/**
 * What a difference probably comes from, likeliest first: what is known to have been another, then what the place where it begins
 * suggests. Nothing where nothing differs: an environment that changed no bit caused none.
 */
export function causesOf({
  first,
  changed,
  environment,
  start,
}: {
  first: Divergence | null;
  changed: readonly Discrepancy[];
  environment: readonly Discrepancy[];
  /** The first step that was recorded. */
  start: number;
}): string[] {
  if (first === null) return [];
  const known = [...changed, ...[...environment].sort((a, b) => rank(a) - rank(b))].map(
    ({ what, original, replay }) => `${what}: ${original}, now ${replay}`,
  );
  return [...known, suggestion(first.stream, first.step !== null && first.step <= start)];
}

function suggestion(stream: ReplayStream, atOnce: boolean): string {
  switch (stream) {
    case 'order':
      return 'the rows came in another order: another seed, other data, or another batch size';
    case 'loss':
      return atOnce
        ? 'the same rows gave another loss at the first step: parameters, initial weights, the contents of the rows, or a library'
        : 'the two agree up to there: a row whose contents differ, the number of threads, a library, or an operation that is not deterministic';
    case 'checkpoint':
      return 'the losses agree and the state does not: parameters of the optimiser, a library, or something in the state that is not deterministic';
    case 'predictions':
      return 'the trainings agree as far as they are recorded: the evaluation differs, or what nobody recorded';
    case 'end':
      return 'see its log: assay logs';
    default:
      return stream satisfies never;
  }
}

function rank({ what }: Discrepancy): number {
  const at = likeliest.indexOf(what);
  return at < 0 ? likeliest.length : at;
}
