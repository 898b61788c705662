import type { ResolvedSpec } from './spec';
import { bytes } from './specValues';

/** What an experiment wants of an MLflow server; its address and credentials are the control pool's. */
export interface MlflowPlan {
  /** Name of the experiment there. */
  experiment: string;
  /** Registered model that the verdict may give a version and an alias; null where nothing is registered. */
  model: string | null;
  /** Models and records of the runs as files; report and result are files in any case. */
  artifacts: boolean;
  /** Bytes; a larger model is named, and left out. */
  largestModel: number;
}

export const publishingWorkflow = 'publishing';

/** Input of the workflow `publishing`, which outlives its experiment: it lives until the server has it all, or was away for a week. */
export interface PublishingInput {
  experimentId: string;
  mlflow: MlflowPlan;
}

export interface PublishActivities {
  /** Finds what is there and makes what is missing; rejects with `NotPublished`. */
  publishToMlflow(input: PublishingInput): Promise<Published>;
}

/** What the server has by now; small. */
export interface Published {
  /** Of the parent run, for people. */
  url: string;
  experiment: string;
  runId: string;
  /** Runs below it, one a variant and seed. */
  runs: number;
  registered: Registered | null;
  /** What was left out, or not registered, and why; a sentence each. */
  notes: string[];
}

export interface Registered {
  model: string;
  version: string;
  variant: string;
  seed: number;
  /** Null where the alias stays with the version of a newer experiment. */
  alias: Alias | null;
}

export type Alias = 'champion' | 'challenger';

/** Heartbeat of `publishToMlflow`. */
export interface PublishProgress {
  doing: string;
  /** Runs that are complete, of all with the parent. */
  done: number;
  of: number;
}

/** Where publishing stands, in the experiment's record. */
export interface Publishing {
  state: 'under way' | 'waiting' | 'published' | 'failed';
  /** ISO 8601. */
  at: string;
  /** The server's address, without credentials; null where none is set. */
  server: string | null;
  /** One sentence. */
  message: string;
  published: Published | null;
}

/** A spec that an earlier version stored has neither section. Null where nothing is to be published. */
export function mlflowPlan({ name, publish, decision }: Pick<ResolvedSpec, 'name'> & Partial<ResolvedSpec>): MlflowPlan | null {
  const wanted = publish?.mlflow;
  const registers = decision?.register === 'mlflow';
  return wanted === undefined && !registers ? null : planned(name, wanted, registers);
}

/** What `assay publish mlflow` does with an experiment that asks for nothing. */
export const usualMlflowPlan = (name: string): MlflowPlan => planned(name, undefined, false);

function planned(name: string, wanted: NonNullable<ResolvedSpec['publish']>['mlflow'], registers: boolean): MlflowPlan {
  return {
    experiment: wanted?.experiment ?? name,
    model: registers ? (wanted?.model ?? name) : null,
    artifacts: wanted?.artifacts ?? true,
    largestModel: bytes(wanted?.largestModel ?? largestModel),
  };
}

export const largestModel = '1GiB';
