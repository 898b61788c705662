import { CancellationScope, isCancellation, log } from '@temporalio/workflow';
import { type ExperimentPlan, type FailureCounts, type Remedy, type RunOutcome, noRemedy, remedyText } from '../contract';

/** One run to start: a variant under a seed, at one level of the ladder. */
export interface Round {
  variant: ExperimentPlan['variants'][number];
  seed: number;
  remedy: Remedy;
  firstEpoch: number;
  failures: FailureCounts;
}

interface Inputs {
  plan: ExperimentPlan;
  runs: { variant: ExperimentPlan['variants'][number]; seed: number }[];
  train: (round: Round) => Promise<RunOutcome>;
  lastEpoch: (variant: string, seed: number) => number;
}

/**
 * All runs, each trained as the others are: when one is out of memory, all go one level up the ladder and those already trained are
 * trained again. Where the spec declared unequal remedies, each variant climbs by itself. A model that is already trained is only
 * evaluated, which no remedy changes. Outcomes come in the order of `runs`.
 */
export async function trainRounds(inputs: Inputs): Promise<RunOutcome[]> {
  const { plan, runs } = inputs;
  const names = [...new Set(runs.filter(({ variant }) => !variant.pretrained).map(({ variant }) => variant.name))];
  const groups = plan.unequalRemedies ? names.map((name) => [name]) : [names];
  const evaluated = runs.filter(({ variant }) => variant.pretrained);
  const outcomes = await Promise.all([
    ...groups.map((group) =>
      climb(
        inputs,
        runs.filter(({ variant }) => group.includes(variant.name)),
      ),
    ),
    // One scope with the rest, so that a cancel reaches all.
    ...evaluated.map(async (run) => [await inputs.train({ ...run, remedy: noRemedy, firstEpoch: 1, failures: none() })]),
  ]);
  const found = new Map(outcomes.flat().map((outcome) => [runId(outcome.key.variant, outcome.key.seed), outcome]));
  return runs.flatMap(({ variant, seed }) => found.get(runId(variant.name, seed)) ?? []);
}

async function climb({ plan, train, lastEpoch }: Inputs, runs: Inputs['runs']): Promise<RunOutcome[]> {
  const ladder = [noRemedy, ...plan.ladder];
  const spent = new Map<string, FailureCounts>();
  const notes: string[] = [];
  for (const [level, remedy] of ladder.entries()) {
    const rounds = runs.map(({ variant, seed }) => ({
      ...{ variant, seed, remedy },
      firstEpoch: lastEpoch(variant.name, seed) + 1,
      failures: spent.get(runId(variant.name, seed)) ?? none(),
    }));
    const outcomes = await together(rounds, train, level + 1 < ladder.length);
    const short = outcomes.filter((outcome) => outcome?.failure?.type === 'OutOfMemory');
    for (const outcome of outcomes) if (outcome) spent.set(runId(outcome.key.variant, outcome.key.seed), outcome.failures);
    if (short.length === 0 || level + 1 === ladder.length) {
      return outcomes.flatMap((outcome) => (outcome ? [{ ...outcome, findings: [...notes, ...outcome.findings] }] : []));
    }
    const who = short.map((outcome) => `${outcome?.key.variant} seed ${outcome?.key.seed}`).join(', ');
    const next = ladder[level + 1] ?? noRemedy;
    notes.push(`out of memory: ${who}; trained again from the start with ${remedyText(next)}`);
    log.info(notes.at(-1) ?? '');
  }
  throw new RangeError('the ladder has at least one level');
}

/** Runs all; with `stopEarly` the first one that is out of memory ends the others, which would be trained again anyway (null). */
async function together(rounds: Round[], train: Inputs['train'], stopEarly: boolean): Promise<(RunOutcome | null)[]> {
  const scope = new CancellationScope();
  let stopped = false;
  const ended = await scope.run(() =>
    Promise.all(
      rounds.map(async (round) => {
        try {
          const outcome = await train(round);
          if (stopEarly && outcome.failure?.type === 'OutOfMemory' && !stopped) {
            stopped = true;
            scope.cancel();
          }
          return outcome;
        } catch (error) {
          if (stopped && isCancellation(error)) return null;
          throw error;
        }
      }),
    ),
  );
  // A cancel of the whole experiment that came while the others were being stopped.
  if (stopped && CancellationScope.current().consideredCancelled) await CancellationScope.current().cancelRequested;
  return ended;
}

const runId = (variant: string, seed: number): string => `${variant}/${seed}`;
const none = (): FailureCounts => ({ crash: 0, infrastructure: 0, preemption: 0, outOfMemory: 0 });
