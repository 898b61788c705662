import type { SearchAttributePair } from '@temporalio/common';
import type { ExperimentInput, ExperimentOutput } from './messages';
import type { SpecInput } from './spec';

/**
 * What another program hands over to start an experiment: the library, the HTTP API, the Nexus service `assay.v1` and the queue of triggers
 * take the same.
 */
export interface StartRequest {
  spec: SpecInput;
  /** The same key gives the same experiment; with another spec it is refused with `Conflict`. At most 255 characters. */
  idempotencyKey?: string;
  /** Who started it, for the provenance. */
  by?: string;
}

/** `refs/idempotency/<sha256 of the key>`. */
export interface IdempotencyRecord {
  schema: 'assay.idempotency/1';
  key: string;
  /** Of the resolved spec, canonical JSON. */
  spec: string;
  experimentId: string;
  /** ISO 8601. */
  at: string;
}

export interface StartedExperiment {
  experimentId: string;
  workflowId: string;
  runId: string;
  /** False where the key named an experiment that was there. */
  created: boolean;
}

/** Type of the workflow `experiment`, for `executeChild<ExperimentWorkflow>('experiment', child)`. */
export type ExperimentWorkflow = (input: ExperimentInput) => Promise<ExperimentOutput>;

/** Options that start `experiment` as a child of any workflow of the namespace; plain data, so that an activity can return them. */
export interface ChildExperiment {
  workflowId: string;
  taskQueue: string;
  args: [ExperimentInput];
  staticSummary: string;
  staticDetails?: string;
  typedSearchAttributes: SearchAttributePair[];
}

/** Name of the Nexus endpoint that the embedded stack makes, and that `assay nexus endpoint` makes unless told otherwise. */
export const nexusEndpoint = 'assay';
