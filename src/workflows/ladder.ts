import { CancellationScope, condition, isCancellation, log } from '@temporalio/workflow';
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
  /** In the order in which they start; more while seeds are added, never fewer. */
  runs: () => { variant: ExperimentPlan['variants'][number]; seed: number }[];
  train: (round: Round) => Promise<RunOutcome>;
  lastEpoch: (variant: string, seed: number) => number;
  /** Somebody ended this variant: what it has trained stays as it is. */
  isStopped: (variant: string) => boolean;
}

/** Variants that stand on one level of the ladder, always. */
interface Group {
  has: (variant: string) => boolean;
  ladder: Remedy[];
  level: number;
  /** Outcomes at this level, by run; of a stopped variant also from below. */
  ended: Map<string, RunOutcome>;
  spent: Map<string, FailureCounts>;
  notes: string[];
}

/**
 * All runs, each trained as the others are: when one is out of memory, all go one level up the ladder and those already trained are
 * trained again. Where the spec declared unequal remedies, each variant climbs by itself. A model that is already trained is only
 * evaluated, which no remedy changes. Each call trains what is missing by then, at the level where the others stand; outcomes come in the
 * order of `runs`.
 */
export function trainRounds(inputs: Inputs): () => Promise<RunOutcome[]> {
  const { plan, runs } = inputs;
  const named = (pretrained: boolean): string[] => [
    ...new Set(runs().flatMap(({ variant }) => (variant.pretrained === pretrained ? [variant.name] : []))),
  ];
  const trained = named(false);
  const groups = [
    ...(plan.unequalRemedies ? trained.map((name) => [name]) : [trained]).map((names) => group(names, [noRemedy, ...plan.ladder])),
    group(named(true), [noRemedy]),
  ];
  return async () => {
    // One scope with the rest, so that a cancel reaches all.
    await Promise.all(groups.map((each) => climb(inputs, each)));
    return runs().flatMap((run) => groups.flatMap(({ ended }) => ended.get(runId(run)) ?? []));
  };
}

const group = (names: string[], ladder: Remedy[]): Group => ({
  ...{ ladder, level: 0, notes: [] },
  has: (variant) => names.includes(variant),
  ended: new Map(),
  spent: new Map(),
});

async function climb({ runs, train, lastEpoch, isStopped }: Inputs, state: Group): Promise<void> {
  for (;;) {
    const { ladder, level, ended, spent } = state;
    const remedy = ladder[level] ?? noRemedy;
    const missing = (): Round[] =>
      runs()
        .filter((run) => state.has(run.variant.name) && !ended.has(runId(run)))
        .map((run) => ({
          ...{ ...run, remedy },
          firstEpoch: lastEpoch(run.variant.name, run.seed) + 1,
          failures: spent.get(runId(run)) ?? none(),
        }));
    const outcomes = await together(missing, train, level + 1 < ladder.length);
    for (const outcome of outcomes) {
      spent.set(idOf(outcome), outcome.failures);
      ended.set(idOf(outcome), { ...outcome, findings: [...state.notes, ...outcome.findings] });
    }
    const short = outcomes.filter(({ failure, key }) => failure?.type === 'OutOfMemory' && !isStopped(key.variant));
    if (short.length === 0 || level + 1 === ladder.length) return;
    const who = short.map(({ key }) => `${key.variant} seed ${key.seed}`).join(', ');
    state.level += 1;
    state.notes.push(`out of memory: ${who}; trained again from the start with ${remedyText(ladder[state.level] ?? noRemedy)}`);
    log.info(state.notes.at(-1) ?? '');
    for (const [id, { key }] of ended) if (!isStopped(key.variant)) ended.delete(id);
  }
}

/**
 * Runs all, and those that come to be missing meanwhile; with `stopEarly` the first one that is out of memory ends the others, which have
 * no outcome then, since they would be trained again anyway.
 */
async function together(missing: () => Round[], train: Inputs['train'], stopEarly: boolean): Promise<RunOutcome[]> {
  const scope = new CancellationScope();
  const begun = new Map<string, Promise<RunOutcome | null>>();
  let stopped = false;
  const fresh = (): Round[] => (stopped ? [] : missing().filter((round) => !begun.has(runId(round))));
  const outcomes = await scope.run(async () => {
    for (;;) {
      for (const round of fresh()) begun.set(runId(round), one(round));
      const all = Promise.all(begun.values());
      // What cancels the runs must not end the wait for their end.
      const more = CancellationScope.nonCancellable(() => condition(() => fresh().length > 0));
      const ended = await Promise.race([all, more.then(() => null)]);
      if (ended !== null && fresh().length === 0) return ended;
    }
  });
  // A cancel of the whole experiment that came while the others were being stopped.
  if (stopped && CancellationScope.current().consideredCancelled) await CancellationScope.current().cancelRequested;
  return outcomes.filter((outcome) => outcome !== null);

  async function one(round: Round): Promise<RunOutcome | null> {
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
  }
}

const runId = ({ variant, seed }: { variant: { name: string }; seed: number }): string => `${variant.name}/${seed}`;
const idOf = ({ key }: RunOutcome): string => `${key.variant}/${key.seed}`;
const none = (): FailureCounts => ({ crash: 0, infrastructure: 0, preemption: 0, outOfMemory: 0 });
