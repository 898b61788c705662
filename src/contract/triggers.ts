import type { Ref } from './refs';
import type { ChildExperiment } from './service';
import type { Outcome } from './statuses';

/** `each`: one experiment a trigger. `latest`: what comes while one waits or runs is one experiment, with the changes of the last. */
export const triggerPolicies = ['each', 'latest'] as const;
export type TriggerPolicy = (typeof triggerPolicies)[number];

/** One request for an experiment, from a person, a program or another workflow. */
export interface Trigger {
  /** Who asks: 1 to 100 characters. */
  by: string;
  /** Why, at most 500 characters; may be empty. */
  reason: string;
  /** Changes of the experiment file by key path, e.g. `{ 'variants.cnn.model': 's3://models/1207.onnx' }`; at most 4 KB of JSON. */
  set?: Record<string, unknown>;
  /** Triggers with one key are one, also after its experiment has ended: the last 200 keys are known. 1 to 128 characters. */
  key?: string;
}

/** What the update `submit` answers. */
export interface TriggerAnswer {
  /** Of the experiment that this trigger gets; it may wait for its turn. */
  experimentId: string;
  /** Experiments that come before it. */
  before: number;
  /** It joined one that was asked for already. */
  joined: boolean;
}

/** An experiment that waits for its turn, or runs. */
export interface TriggeredExperiment {
  experimentId: string;
  /** Of the last trigger that joined it. */
  by: string;
  reason: string;
  set: Record<string, unknown>;
  keys: string[];
  /** How many triggers it stands for. */
  triggers: number;
  /** ISO 8601, of its first and last trigger. */
  since: string;
  until: string;
}

export interface TriggeredOutcome {
  experimentId: string;
  /** ISO 8601. */
  at: string;
  status: 'done' | 'failed' | 'cancelled';
  verdict: Outcome | null;
  /** Of the verdict, or why there is none. */
  sentence: string;
}

/** Whose experiments they are, and how triggers become them. */
export interface TriggersSettings {
  /** Name of the experiments. */
  experiment: string;
  policy: TriggerPolicy;
  /** With `latest`: seconds without another trigger before an experiment begins; ten times as long after the first it begins anyway. */
  quietSeconds: number;
}

/** Input of `triggers`; what a long history hands on to the next is in it. */
export interface TriggersInput {
  name: string;
  settings: TriggersSettings;
  carried: TriggersCarried | null;
}

export interface TriggersCarried {
  queue: TriggeredExperiment[];
  /** It runs already. */
  current: TriggeredExperiment | null;
  last: TriggeredOutcome[];
  /** Of experiments that have ended, with their experiment, oldest first. */
  keys: [key: string, experimentId: string][];
  accepted: number;
  refused: number;
}

/** Answer of the `state` query. */
export interface TriggersState extends TriggersSettings, Omit<TriggersCarried, 'keys'> {
  name: string;
}

/** `refs/triggers/<name>`: what its experiments are made of. */
export interface TriggersRecord {
  schema: 'assay.triggers/1';
  name: string;
  settings: TriggersSettings;
  /** The experiment file, and where its relative paths start. */
  source: string;
  root: string;
  /** Who set it up from which code: a `ProvenanceObject`. */
  provenance: Ref;
  code: Ref | null;
}

export const triggersNames = {
  workflow: 'triggers',
  trigger: 'trigger',
  submit: 'submit',
  configure: 'configure',
  state: 'state',
} as const;

/** Together within the 256 KB that a new history may begin with. */
export const triggerLimits = {
  waiting: 1000,
  queueBytes: 184 * 1024,
  setBytes: 4096,
  keys: 200,
  keysOfOne: 100,
  last: 10,
  sentenceBytes: 600,
} as const;

/** On the control queue. */
export interface TriggersActivities {
  /** Makes the spec of an experiment from the file and the changes, and stores all that it needs. */
  openTriggered(input: { name: string; next: TriggeredExperiment }): Promise<ChildExperiment>;
  /** Waits for the end of an experiment that an earlier run of the workflow started. */
  awaitExperiment(input: { experimentId: string }): Promise<TriggeredOutcome>;
}

/** What is wrong with a trigger, a sentence; null where nothing is. */
export function triggerProblem(trigger: Trigger): string | null {
  const { by, reason, set, key } = trigger ?? {};
  if (typeof by !== 'string' || by.length < 1 || by.length > 100) return 'by: expected who asks, 1 to 100 characters';
  if (typeof reason !== 'string' || reason.length > 500) return 'reason: expected a text of at most 500 characters';
  if (key !== undefined && (typeof key !== 'string' || key.length < 1 || key.length > 128)) return 'key: expected 1 to 128 characters';
  if (set === undefined) return null;
  if (typeof set !== 'object' || set === null || Array.isArray(set)) return 'set: expected an object of key paths and values';
  const fixed = Object.keys(set).find((path) => /^(?:name|training\.(?:code|command)|evaluation\.command)\b/.test(path));
  if (fixed !== undefined) return `set.${fixed}: all experiments of a queue share it; give another queue the changed file`;
  return bytesOf(set) > triggerLimits.setBytes ? `set: ${bytesOf(set)} bytes of JSON; expected at most ${triggerLimits.setBytes}` : null;
}

export const bytesOf = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;
