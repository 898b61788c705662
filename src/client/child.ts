import type { ChildExperiment } from '../contract';
import { experimentWorkflow } from './experiments';
import type { PreparedExperiment } from './submit';

/** How another workflow starts a prepared experiment as its child. */
export function childExperiment({ input, summary }: PreparedExperiment): ChildExperiment {
  const { typedSearchAttributes, ...options } = experimentWorkflow(input, summary);
  return { ...options, typedSearchAttributes: typedSearchAttributes.getAll() };
}
