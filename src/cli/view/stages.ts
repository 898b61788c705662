import { type Progress, type Stage, isFinal, stages } from '../../contract';
import { type ViewState, stageSeconds } from './state';
import { type Line, type Span, flow } from './text';
import { briefly } from './times';

/** Stages with their marks: ✓ and how long it took, ▸ now and since when, · still to come, ✗ where it ended. */
export function stageLines(state: ViewState, progress: Progress, line: Line): string[] {
  const taken = new Map(stageSeconds(state).map(({ stage, seconds }) => [stage, seconds]));
  const items = shownStages(progress, taken).map((stage): Span[] => {
    const seconds = taken.get(stage);
    const time = seconds === undefined || isFinal(stage) ? '' : ` ${briefly(seconds)}`;
    if (stage === 'failed' || stage === 'cancelled') return [{ text: `✗ ${stage}`, style: 'red' }];
    if (stage === progress.stage && stage !== 'done') return [{ text: `▸ ${stage}`, style: 'bold' }, { text: time }];
    if (isBehind(stage, progress, taken)) return [{ text: '✓', style: 'green' }, { text: ` ${stage}` }, { text: time, style: 'dim' }];
    return [{ text: `· ${stage}`, style: 'dim' }];
  });
  return flow(items, 2, line);
}

/** What was left out (latency, where nobody asked for it) is not shown once it is passed, nor what an end made impossible. */
function shownStages(progress: Progress, taken: ReadonlyMap<Stage, number>): Stage[] {
  const { stage: now } = progress;
  const told = taken.size > 0;
  return stages.filter((stage) => {
    if (stage === now || taken.has(stage)) return true;
    if (stage === 'failed' || stage === 'cancelled' || stage === 'approval' || stage === 'done') return false;
    return now === 'failed' || now === 'cancelled' ? false : !told || stages.indexOf(stage) > stages.indexOf(now);
  });
}

/** A stage that is entered again, as training for added seeds, is not behind before it ends. */
function isBehind(stage: Stage, { stage: now }: Progress, taken: ReadonlyMap<Stage, number>): boolean {
  if (stage === now) return stage === 'done';
  return taken.has(stage) || stages.indexOf(stage) < stages.indexOf(now);
}
