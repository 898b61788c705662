import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import { defineQuery, defineSignal } from '@temporalio/workflow';
import { names, type Progress, type RunChanged } from '../contract';

export const progress = defineQuery<Progress>(names.progress);
export const runChanged = defineSignal<[RunChanged]>(names.runChanged);

export const attributes = {
  experiment: defineSearchAttributeKey('AssayExperiment', SearchAttributeType.KEYWORD),
  variant: defineSearchAttributeKey('AssayVariant', SearchAttributeType.KEYWORD),
  stage: defineSearchAttributeKey('AssayStage', SearchAttributeType.KEYWORD),
  verdict: defineSearchAttributeKey('AssayVerdict', SearchAttributeType.KEYWORD),
  snapshot: defineSearchAttributeKey('AssaySnapshot', SearchAttributeType.KEYWORD),
  effect: defineSearchAttributeKey('AssayEffect', SearchAttributeType.DOUBLE),
};
