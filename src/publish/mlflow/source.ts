import type { Result } from '../../contract';

/** What MLflow's own pages show of where a run came from. */
export const sourceTags = ({ owner, provenance }: Result): Record<string, string | null> => ({
  'mlflow.user': owner ?? provenance.user,
  'mlflow.source.name': 'assay',
  'mlflow.source.type': 'JOB',
  'mlflow.source.git.commit': provenance.git.commit,
});
