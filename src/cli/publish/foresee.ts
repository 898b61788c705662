import { configuredServer } from '../../client';
import { mlflowPlan, type ResolvedSpec } from '../../contract';

/** What this terminal can say beforehand of an experiment that is to be published: the embedded stack takes its environment. */
export async function foreseeUnpublished(spec: ResolvedSpec): Promise<string | null> {
  if (mlflowPlan(spec) === null || configuredServer()) return null;
  const { mlflowSettings } = await import('../../publish/index.js');
  const settings = mlflowSettings();
  if (!('problem' in settings)) return null;
  return `it will not be published to MLflow: ${settings.problem} here, and the embedded stack has the environment that it was started from; \`assay publish mlflow\` can do it later`;
}
