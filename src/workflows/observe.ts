import { proxySinks, workflowInfo } from '@temporalio/workflow';
import type { WorkflowEvent, WorkflowSinks, WorkflowSpan } from '../contract';

const { assay } = proxySinks<WorkflowSinks>();

let listened = false;

/** From here on somebody listens: the interceptors are there where the sinks are. */
export function listen(): void {
  listened = true;
}

/** For metrics: leaves nothing in the history. What is replayed was told before. */
export function observe(event: WorkflowEvent): void {
  if (listened && !workflowInfo().unsafe.isReplaying) assay.event(event);
}

export function tellSpan(span: WorkflowSpan): void {
  if (listened && !workflowInfo().unsafe.isReplaying) assay.span(span);
}
