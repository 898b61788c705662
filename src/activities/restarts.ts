import { type Restart, type RunOutcome, type RunRecord, remedyText } from '../contract';

/** Where a run's trainers went on from and what had ended them; undefined where an earlier version recorded no starts. */
export function restartsOf({ starts }: Pick<RunRecord, 'starts'>, outcome: Pick<RunOutcome, 'ends' | 'remedy'>): Restart[] | undefined {
  return starts?.slice(1).map(({ step, seconds, remedy }, i) => ({
    step,
    seconds,
    cause: causeOf(starts[i]?.epoch ?? 0, outcome) ?? (remedy === starts[i]?.remedy ? 'unknown' : climbed(remedy, outcome)),
  }));
}

/** Of the epoch whose trainer was the one before, or the next one that ended; those under an earlier remedy are not told. */
const causeOf = (epoch: number, { ends = [] }: Pick<RunOutcome, 'ends'>): string | undefined =>
  ends.find((end) => end.epoch >= epoch)?.cause;

const climbed = (level: number, { remedy }: Pick<RunOutcome, 'remedy'>): string =>
  level === remedy.level ? `a run was out of memory: trained again with ${remedyText(remedy)}` : 'a run was out of memory';
