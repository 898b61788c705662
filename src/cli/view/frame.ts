import { type Progress, isFinal } from '../../contract';
import { runLines } from './runs';
import { stageLines } from './stages';
import { type ViewState, stageSeconds } from './state';
import { type Line, type Span, lineOf, printable, wrap } from './text';
import { briefly, roughly } from './times';

export interface Size extends Line {
  rows: number;
}

/** Below so many rows the runs get what there is. */
const roomy = 14;
const mostWaits = 3;
const mostFindings = 3;

/** The lines of a terminal of that size: at most `rows - 1`, none wider than `columns`. Pure. */
export function frame(state: ViewState, size: Size): string[] {
  const most = Math.max(1, size.rows - 1);
  const { progress } = state;
  if (progress === null)
    return [lineOf([{ text: printable(state.experimentId), style: 'bold' }], size), ...waits(state, size)].slice(0, most);
  const above =
    size.rows < roomy ? [lineOf(briefHead(state, progress), size), ...waits(state, size).slice(0, 1)] : [...head(state, size), ''];
  const noted = size.rows < roomy ? [] : findings(progress, size);
  const below = size.rows < roomy ? [] : ['', hint(state, size)];
  const runs = runLines(state, size, Math.max(1, most - above.length - below.length));
  const room = most - above.length - runs.length - below.length;
  return [...above, ...runs, ...(noted.length > 0 && room > noted.length ? ['', ...noted] : []), ...below].slice(0, most);
}

/** Experiment, stages and counts: what stays on the screen when the view is left. */
export function head(state: ViewState, size: Size): string[] {
  const { progress } = state;
  const total = stageSeconds(state).reduce((sum, { seconds }) => sum + seconds, 0);
  const title: Span[] = [
    { text: printable(state.experimentId), style: 'bold' },
    ...(total === 0 ? [] : [{ text: `  ${briefly(total)}`, style: 'dim' } as const]),
  ];
  return [
    lineOf(title, size),
    ...(progress === null ? [] : stageLines(state, progress, size)),
    ...waits(state, size),
    ...(progress === null || progress.runs.length === 0 ? [] : [lineOf([{ text: counts(state, progress) }], size)]),
  ];
}

function briefHead(state: ViewState, progress: Progress): Span[] {
  const seconds = stageSeconds(state).find(({ stage }) => stage === progress.stage)?.seconds;
  return [
    { text: progress.stage, style: 'bold' },
    { text: `${seconds === undefined ? '' : ` ${briefly(seconds)}`}${progress.runs.length === 0 ? '' : `, ${counts(state, progress)}`}` },
  ];
}

function waits({ progress, silence }: ViewState, size: Size): string[] {
  const waitingFor = printable(progress?.waitingFor ?? '');
  const end = progress !== null && isFinal(progress.stage);
  return [
    ...(silence === '' ? [] : wrap(`no answer, asking again: ${printable(silence)}`, size, 'yellow').slice(0, mostWaits)),
    // What an end says is why it ended.
    ...(waitingFor === '' ? [] : wrap(end ? waitingFor : `waits for ${waitingFor}`, size, end ? 'red' : 'yellow').slice(0, mostWaits)),
  ];
}

/** `3 of 15 runs done, 1 failed, 2 training; about 4 min left`. */
function counts({ trainers }: ViewState, { runs }: Progress): string {
  const of = (state: string): number => runs.filter((run) => run.state === state).length;
  const others = (['failed', 'cancelled', 'starting', 'training', 'waiting'] as const).flatMap((state) =>
    of(state) === 0 ? [] : [`${of(state)} ${state}`],
  );
  const left = [...trainers.values()].map(({ secondsLeft }) => secondsLeft);
  const running = of('training');
  // Before all of them run, nobody knows how long the others wait.
  const known = running > 0 && left.length === running && of('waiting') + of('starting') === 0 && left.every((s) => s !== null);
  const end = known ? `; about ${roughly(Math.max(...left.map((s) => s ?? 0)))} left` : '';
  return `${[`${of('done')} of ${runs.length} ${runs.length === 1 ? 'run' : 'runs'} done`, ...others].join(', ')}${end}`;
}

function findings({ findings: all = [] }: Progress, size: Size): string[] {
  const shown = all.slice(-mostFindings).map((text) => lineOf([{ text: `! ${printable(text)}`, style: 'yellow' }], size));
  const more = all.length - shown.length;
  return [...shown, ...(more > 0 ? [lineOf([{ text: `  and ${more} more noted`, style: 'dim' }], size)] : [])];
}

const hint = ({ experimentId }: ViewState, size: Size): string =>
  lineOf([{ text: `Ctrl-C leaves it running; assay logs ${printable(experimentId)} VARIANT/SEED -f`, style: 'dim' }], size);
