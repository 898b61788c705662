import type { Qos } from './pool';

/** Names of the updates that steer an experiment. */
export const steeringActions = ['pause', 'resume', 'approve', 'reject', 'stopVariant', 'addSeeds', 'changePriority'] as const;
export type SteeringAction = (typeof steeringActions)[number];

/** Who asks, and why; both stand in the audit trail of the result. */
interface Asked {
  /** `user@host` of a command, the name of a token, or `workflow <id>`. */
  by: string;
  /** May be empty, except where something is refused or ended: `reject`, `stopVariant`. */
  reason: string;
}

/** Arguments of each update. */
export interface SteeringInputs {
  /** No new run starts; running ones yield at their next checkpoint. */
  pause: Asked;
  resume: Asked;
  /** Lets the verdict stand, where `decision.approval` asks for a person. */
  approve: Asked;
  reject: Asked;
  /** Ends a candidate's runs; what can still be concluded is. Never the control. */
  stopVariant: Asked & { variant: string };
  /** Trains every variant under these seeds as well; only before the analysis begins. */
  addSeeds: Asked & { seeds: number[] };
  /** For leases not yet granted. */
  changePriority: Asked & { qos: Qos };
}

/** One update as the command, the API and the library take it. */
export type SteeringCommand = { [A in SteeringAction]: { action: A } & SteeringInputs[A] }[SteeringAction];

/** One line of the audit trail, in the order in which they were accepted. */
export interface AuditEntry extends Asked {
  /** ISO 8601, the workflow's clock. */
  at: string;
  action: SteeringAction;
  /** What it did, in a sentence. */
  detail: string;
}

/** Where a verdict that needs a person stands. */
export type Approval = { state: 'waiting' | 'approved' | 'rejected'; by: string | null; at: string | null; reason: string };

/** `failure.type` of a run that ended with its variant, which a person stopped. */
export const stoppedFailure = 'Stopped';
