import { SearchAttributeType, type UpdateDefinition, defineSearchAttributeKey } from '@temporalio/common';
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import {
  names,
  type AuditEntry,
  type Progress,
  type RunChanged,
  type RunSteering,
  type SteeringAction,
  type SteeringInputs,
  steeringActions,
} from '../contract';

export const progress = defineQuery<Progress>(names.progress);
export const runChanged = defineSignal<[RunChanged]>(names.runChanged);
/** To a run, from its experiment. */
export const steerRun = defineSignal<[RunSteering]>(names.steerRun);

/** Answered with the entry of the audit trail. */
export const steering = Object.fromEntries(steeringActions.map((action) => [action, defineUpdate(action)])) as unknown as {
  [A in SteeringAction]: UpdateDefinition<AuditEntry, [SteeringInputs[A]]>;
};

export const attributes = {
  experiment: defineSearchAttributeKey('AssayExperiment', SearchAttributeType.KEYWORD),
  variant: defineSearchAttributeKey('AssayVariant', SearchAttributeType.KEYWORD),
  stage: defineSearchAttributeKey('AssayStage', SearchAttributeType.KEYWORD),
  verdict: defineSearchAttributeKey('AssayVerdict', SearchAttributeType.KEYWORD),
  snapshot: defineSearchAttributeKey('AssaySnapshot', SearchAttributeType.KEYWORD),
  effect: defineSearchAttributeKey('AssayEffect', SearchAttributeType.DOUBLE),
  name: defineSearchAttributeKey('AssayName', SearchAttributeType.KEYWORD),
  owner: defineSearchAttributeKey('AssayOwner', SearchAttributeType.KEYWORD),
};

/** What a child is found by, as the experiment itself. */
export const namedBy = ({ name, owner }: { name: string; owner?: string | null | undefined }) => [
  { key: attributes.name, value: name },
  ...(owner ? [{ key: attributes.owner, value: owner }] : []),
];
