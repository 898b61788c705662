import type { Progress, Stage, TrainProgress } from '../../contract';
import { printable } from './text';

export type Run = Progress['runs'][number];

/** What the view knows of an experiment; the frame is a function of it alone. */
export interface ViewState {
  experimentId: string;
  /** Null before the first answer. */
  progress: Progress | null;
  /** What running trainers last said, by `keyOf`. */
  trainers: ReadonlyMap<string, TrainProgress>;
  /** Where runs that wait stand in the pool's line, by `keyOf`. */
  places: ReadonlyMap<string, string>;
  /** Why no new answer comes; empty while one does. */
  silence: string;
  /** Milliseconds since 1970. */
  now: number;
}

/** As `assay logs ID VARIANT/SEED` names it. */
export const keyOf = ({ variant, seed }: { variant: string; seed: number }): string => `${variant}/${seed}`;

/** Seconds in each stage that was entered, in the order of the first entry; the last one goes on. */
export function stageSeconds({ progress, now }: ViewState): { stage: Stage; seconds: number }[] {
  const entered = progress?.stages ?? [];
  const sums = new Map<Stage, number>();
  for (const [i, { stage, at }] of entered.entries()) {
    const end = entered[i + 1]?.at;
    // The clock of the server may be ahead of this one.
    const ms = Math.max(0, (end === undefined ? now : Date.parse(end)) - Date.parse(at));
    sums.set(stage, (sums.get(stage) ?? 0) + ms / 1000);
  }
  return [...sums].map(([stage, seconds]) => ({ stage, seconds }));
}

/** What happened, and the last line of the log after it, which is most often why. */
export function messageOf(text: string): string {
  const lines = text
    .split(/\r?\n|\r/)
    .map(printable)
    .filter((line) => line !== '');
  return lines.length < 2 ? (lines[0] ?? '') : `${lines[0]}; last line: ${lines.at(-1)}`;
}

/** `2 restarts: out of memory`; empty for a first start. */
export function restartsOf({ epoch, message }: Pick<Run, 'epoch' | 'message'>): string {
  if (epoch < 2) return '';
  const cause = message === null ? '' : messageOf(message);
  return `${epoch - 1} ${epoch === 2 ? 'restart' : 'restarts'}${cause === '' ? '' : `: ${cause}`}`;
}
