import type { TaskPriority } from './priority';
import type { NotifyTarget } from './notify';
import type { RegisteredPlan } from './result';
import type { Outcome } from './statuses';
import type { Ref } from './refs';

/**
 * How the looks of a series pay for being many. `overlapping`: look k spends 6 alpha / (π² k²), whatever its rows share with those before.
 * `new-units`: only test units that no look before has seen enter one running mean, and its evidence holds at any look.
 */
export const seriesSchemes = ['overlapping', 'new-units'] as const;
export type SeriesScheme = (typeof seriesSchemes)[number];

/** `decided`: shown better (or equivalent); `futile`: shown not to be; both within the series' alpha. */
export const seriesStates = ['running', 'decided', 'futile', 'budget-used'] as const;
export type SeriesState = (typeof seriesStates)[number];

/** Fixed before the first look. */
export interface SeriesPlan {
  scheme: SeriesScheme;
  /** Chance to decide wrongly over all looks there will be. */
  alpha: number;
  /** The series ends after so many runs; null without a bound. */
  maxRuns: number | null;
  /** The series ends when its runs have used so many GPU-hours; null without a bound. */
  gpuHours: number | null;
}

/** When a schedule fires; kept so that a server that has lost it can be told again. */
export interface ScheduleTiming {
  cron: string[];
  /** Seconds; from 1970 on, moved by `offset`. */
  every: { every: number; offset: number }[];
  calendars: Calendar[];
  /** IANA name; null is UTC. */
  timezone: string | null;
  /** Each run starts up to so many seconds later, by chance. */
  jitter: number;
  startAt: string | null;
  endAt: string | null;
  /** What happens where the run before is still running. */
  overlap: OverlapPolicy;
  /** How late a run is made up for after the server was away, seconds. */
  catchup: number;
  pauseOnFailure: boolean;
}

export const overlapPolicies = ['skip', 'buffer-one', 'buffer-all', 'cancel-other', 'terminate-other', 'allow-all'] as const;
export type OverlapPolicy = (typeof overlapPolicies)[number];

export const calendarFields = ['second', 'minute', 'hour', 'dayOfMonth', 'month', 'dayOfWeek', 'year'] as const;
export type CalendarField = (typeof calendarFields)[number];
/** Months from 1, days of the week from Sunday = 0; a field left out is 0 for the time of day, and any for the day. */
export type Calendar = Partial<Record<CalendarField, { start: number; end: number; step: number }[]>>;

/** What a series asks at every look. */
export interface SeriesQuestion extends Pick<RegisteredPlan, 'primary' | 'question' | 'test' | 'margin' | 'marginRelative'> {
  control: string;
  candidates: string[];
}

/** refs/series/<name>: the record of a schedule's runs, which outlives Temporal. */
export interface SeriesRecord {
  schema: 'assay.series/1';
  name: string;
  createdAt: string;
  /** Name in the experiment file; its latest snapshot is what drift is measured against. */
  experiment: string;
  hypothesis: string | null;
  /** What the next run runs. `code`: manifest of the trainer's code. */
  spec: Ref;
  provenance: Ref;
  code: Ref | null;
  question: SeriesQuestion;
  plan: SeriesPlan;
  timing: ScheduleTiming;
  state: SeriesState;
  looks: SeriesLook[];
  ledger: SeriesLedger;
  /** `UnitsSeen` of `new-units`; null before the first look, and in `overlapping`. */
  units: Ref | null;
  /** Runs that ended without a result, the last 100. */
  failures: SeriesFailure[];
  /** Runs that ended, with a result or without. */
  runs: number;
  gpuHours: number;
  alerts: SeriesAlert[];
}

/** `recordLook` of the statistics appends to it. */
export interface SeriesLedger {
  plan: { scheme: 'overlapping' | 'always-valid' | 'group-sequential'; alpha: number };
  looks: readonly {
    look: number;
    when: string;
    information: number;
    pValue: number;
    alphaSpent: number;
    cumulativeAlpha: number;
    boundary: number;
    decision: 'reject' | 'continue' | 'nothing-new';
  }[];
}

/**
 * `adopt`, `equivalent`, `keep`: decided within the series' alpha; `continue`: open; `nothing-new`: the same inputs as an earlier look, or no
 * new unit; `undefined`: no p value, or an invalid comparison; `closed`: it came after the end. The last three spend nothing.
 */
export type LookDecision = 'adopt' | 'equivalent' | 'keep' | 'continue' | 'nothing-new' | 'undefined' | 'closed';

export interface SeriesLook {
  /** From 1. */
  look: number;
  experimentId: string;
  /** For when the run was scheduled. */
  when: string;
  /** Digest of the data. */
  snapshot: string;
  /** The experiment's own verdict, at its own confidence, which knows of no other look. */
  verdict: Outcome;
  variant: string | null;
  metric: string;
  difference: number | null;
  /** Interval at `confidence`: in `overlapping` that of this look's share of alpha, in `new-units` the experiment's own. */
  low: number | null;
  high: number | null;
  confidence: number | null;
  /** Test rows in `overlapping`, units in the running mean in `new-units`. */
  information: number;
  newUnits: number | null;
  /** Of the registered claim, its margin included; in `new-units` of the sequence. */
  pValue: number | null;
  /** The look decides where its p value is at or below this; null where it spent nothing. */
  boundary: number | null;
  alphaSpent: number;
  cumulativeAlpha: number;
  decision: LookDecision;
  /** Why it decides nothing although it could, a sentence. */
  note: string | null;
  /** The running mean over units, with bounds that hold at all looks together. */
  sequence: { difference: number; low: number; high: number; e: number } | null;
  /** Of the data against the run before, where something moved. */
  drift: string | null;
  /** The verdict turned: a sentence. */
  alert: string | null;
  gpuHours: number;
  /** SHA-256 of what was compared: the same inputs carry nothing new. */
  inputs: string;
}

export interface SeriesFailure {
  experimentId: string;
  when: string;
  status: 'failed' | 'cancelled';
  message: string;
}

export interface SeriesAlert {
  look: number;
  when: string;
  sentence: string;
}

/** Units that entered the running mean of a `new-units` series, an object in the store. */
export interface UnitsSeen {
  schema: 'assay.units-seen/1';
  /** Sorted. */
  units: string[];
  mean: number;
  /** Sum of squared deviations from the mean. */
  squares: number;
  /** Of accuracy with one run an arm and one row a unit: who alone was right, `1` the variant, in the order in which units came; else null. */
  outcomes: string | null;
}

/** Input of `seriesRun`. */
export interface SeriesRunInput {
  series: string;
}

/** What `seriesRun` returns; `skipped` says why there was no experiment. */
export interface SeriesRunOutput {
  experimentId: string | null;
  skipped: string | null;
  look: number | null;
}

/** What the `series` workflow holds and its `series` query answers. */
export interface SeriesSummary {
  name: string;
  state: SeriesState;
  /** One sentence: where the series stands. */
  sentence: string;
  looks: number;
  runs: number;
  cumulativeAlpha: number;
  /** Newest last, at most ten. */
  latest: Pick<SeriesLook, 'look' | 'when' | 'experimentId' | 'verdict' | 'difference' | 'low' | 'high' | 'decision'>[];
  alert: string | null;
}

/** Input of `series`; `paused`: the schedule was paused for the end already. */
export interface SeriesInput {
  name: string;
  summary: SeriesSummary | null;
  paused: boolean;
}

export const seriesNames = { workflow: 'series', run: 'seriesRun', changed: 'seriesChanged', state: 'series' } as const;

/** On the control queue. */
export interface SeriesActivities {
  /** What the next run runs; `closed` says why there is none. */
  openLook(input: { series: string }): Promise<OpenedLook>;
  recordSeriesFailure(input: { series: string } & SeriesFailure): Promise<SeriesSummary>;
  /** Signals the series' workflow, which is started where there is none. */
  tellSeries(input: { summary: SeriesSummary }): Promise<void>;
  pauseSeries(input: { series: string; note: string }): Promise<void>;
}

export interface OpenedLook {
  closed: string | null;
  experiment: string;
  hypothesis: string | null;
  /** Absent in histories of earlier versions. */
  owner?: string | null;
  priority?: TaskPriority;
  notify?: NotifyTarget[];
  spec: Ref;
  provenance: Ref;
  code: Ref | null;
}

/** On the analysis queue. */
export interface LookActivities {
  /** Adds the experiment to the series' record, once however often it is tried. */
  recordLook(input: { series: string; experimentId: string; when: string; result: Ref }): Promise<{
    look: number;
    decision: LookDecision;
    alert: string | null;
    summary: SeriesSummary;
  }>;
}
