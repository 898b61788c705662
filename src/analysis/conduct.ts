import type { Check, FailureCounts } from '../contract';
import type { AnalysisInput, AnalysisRun, LatencyInput } from './types';

/** How the runs went, as findings: on which devices, what restarted, what was left behind, what was dropped. None is a gate. */
export function conductChecks(input: AnalysisInput): Check[] {
  const runs = input.variants.flatMap(({ name, pretrained, runs: own }) =>
    own.map((run) => ({ ...run, variant: name, pretrained: pretrained ?? false })),
  );
  const told = runs.filter((run) => run.conduct !== undefined);
  return [...(told.length === 0 ? [] : [...devicesCheck(told), restartsCheck(told), leftoversCheck(told)]), ...latencyCheck(input.latency)];
}

type Run = AnalysisRun & { variant: string; pretrained: boolean };

/** Trainings on different models differ in speed and in the order of sums: no fault, but no equal footing either. */
function devicesCheck(runs: readonly Run[]): Check[] {
  const trained = runs.filter((run) => run.status === 'done' && !run.pretrained);
  const models = grouped(trained, (run) => run.conduct?.deviceModel ?? null);
  if (models.size === 0) return [];
  const equal = models.size === 1;
  const detail = equal
    ? `Every run was trained on ${[...models.keys()][0]}.`
    : `Runs were trained on different devices: ${[...models].map(([model, of]) => `${model}: ${named(of)}`).join('; ')}.`;
  return [finding('devices', equal, models.size, detail)];
}

/** What a host did to a run is no fault of the variant; a trainer that crashes is, and its users will meet it again. */
function restartsCheck(runs: readonly Run[]): Check {
  const own = runs.filter((run) => (run.conduct?.failures.crash ?? 0) + (run.conduct?.failures.outOfMemory ?? 0) > 0);
  const all = runs.filter((run) => total(run) > 0);
  const counts = [...grouped(all, (run) => run.variant)].map(([variant, of]) => `${variant} ${causes(of)}`).join('; ');
  const detail =
    all.length === 0
      ? 'No trainer had to be started again.'
      : own.length === 0
        ? `Trainers were started again, and through no fault of theirs: ${counts}.`
        : `Trainers ended by themselves before they were done: ${counts}.`;
  return finding(
    'restarts',
    own.length === 0,
    all.reduce((sum, run) => sum + total(run), 0),
    detail,
  );
}

function leftoversCheck(runs: readonly Run[]): Check {
  const leaking = runs.filter((run) => (run.conduct?.leaks.length ?? 0) > 0);
  const said = leaking.map((run) => `${run.variant} seed ${run.seed}: ${run.conduct?.leaks.join(', ')}`);
  const detail = leaking.length === 0 ? 'No run left a process, file or memory behind.' : `Runs left something behind: ${said.join('; ')}.`;
  return finding('leftovers', leaking.length === 0, leaking.length, detail);
}

function latencyCheck(latency: readonly LatencyInput[] | null): Check[] {
  const slowed = (latency ?? []).filter(({ throttled = 0 }) => throttled > 0);
  if (slowed.length === 0) return [];
  const count = slowed.reduce((sum, { throttled = 0 }) => sum + throttled, 0);
  const said = slowed.map(({ variant, throttled = 0, blocks }) => `${variant} ${throttled} of ${blocks.length}`);
  return [finding('latency-blocks', false, count, `Latency blocks were dropped, since the device was throttled: ${said.join(', ')}.`)];
}

const causeWords: Record<keyof FailureCounts, string> = {
  crash: 'crashed',
  outOfMemory: 'out of memory',
  infrastructure: 'host or engine',
  preemption: 'yielded',
};

/** "3 in 5 runs (2 crashed, 1 yielded)" */
function causes(runs: readonly Run[]): string {
  const parts = (Object.keys(causeWords) as (keyof FailureCounts)[]).flatMap((cause) => {
    const count = runs.reduce((sum, run) => sum + (run.conduct?.failures[cause] ?? 0), 0);
    return count === 0 ? [] : [`${count} ${causeWords[cause]}`];
  });
  return `in ${runs.length} ${runs.length === 1 ? 'run' : 'runs'} (${parts.join(', ')})`;
}

const total = ({ conduct }: Run): number => Object.values(conduct?.failures ?? {}).reduce((sum: number, count: number) => sum + count, 0);

const named = (runs: readonly Run[]): string =>
  [...grouped(runs, (run) => run.variant)].map(([variant, of]) => `${variant} seed ${of.map(({ seed }) => seed).join(', ')}`).join(', ');

function grouped(runs: readonly Run[], by: (run: Run) => string | null): Map<string, Run[]> {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    const key = by(run);
    if (key !== null) groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return groups;
}

const finding = (name: string, pass: boolean, statistic: number, detail: string): Check => ({
  name,
  status: pass ? 'pass' : 'warn',
  gate: false,
  statistic,
  pValue: null,
  detail,
});
