import type { ExperimentRecord, ReplayClass, ReplayReport, ReplayedRun } from '../../contract';
import type { Store } from '../../store';
import { exitCodes } from '../exitCode';

/** Prints what a replay found, from the store alone. Returns the exit code. */
export async function concludeReplay(
  store: Store,
  record: ExperimentRecord,
  options: { json?: boolean; failOn?: string[] },
): Promise<number> {
  const report = await readReplay(store, record);
  if (report === null) return exitCodes.failed;
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : replayText(report));
  return replayExitCode(report.class, options.failOn ?? []);
}

/** Null of what is no replay, or of one that has not ended well. */
export async function readReplay(store: Store, { replay }: ExperimentRecord): Promise<ReplayReport | null> {
  return replay?.report ? store.getJson<ReplayReport>(replay.report) : null;
}

/** 4 where `--fail-on` names the class, or a better one. */
export function replayExitCode(found: ReplayClass, failOn: readonly string[]): number {
  const named = failOn.includes(found) || (found === 'different' && failOn.includes('within-tolerance'));
  return named ? exitCodes.verdict : exitCodes.finished;
}

/** For people: the answer, then a run a line, then what differs of the environment and where it probably comes from. */
export function replayText({ sentence, changed, runs, of }: ReplayReport): string {
  const lines = [sentence, ''];
  for (const run of runs)
    lines.push(`  ${run.variant} seed ${run.seed}: ${run.sentence}${placed(run)}`, ...run.causes.map((cause) => `    probably ${cause}`));
  const apart = new Map(runs.flatMap(({ environment }) => environment.map((each) => [each.what, each] as const)));
  if (changed.length > 0) lines.push('', `not as the record of ${of} has it:`, ...changed.map(differs));
  if (apart.size > 0) lines.push('', 'another environment:', ...[...apart.values()].map(differs));
  return `${lines.join('\n')}\n`;
}

const differs = ({ what, original, replay }: ReplayReport['changed'][number]): string => `  ${what}: ${original}, now ${replay}`;

const placed = ({ hosts: { original, replay } }: ReplayedRun): string =>
  original === null || replay === null || original === replay ? '' : ` (on ${replay}, the original on ${original})`;
