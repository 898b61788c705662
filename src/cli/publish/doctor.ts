import { mlflowSettings, mlflowVersion } from '../../publish';
import type { Finding } from '../doctor';

/** The server that this environment names; pools that were started from another one may have another. */
export async function mlflow(): Promise<Finding> {
  const name = 'MLflow';
  const settings = mlflowSettings();
  if ('problem' in settings) {
    const unset = !process.env.MLFLOW_TRACKING_URI;
    const mend = unset ? 'set MLFLOW_TRACKING_URI for the control pool, e.g. http://127.0.0.1:5000' : 'correct it';
    return { name, ok: false, optional: true, detail: unset ? 'off' : settings.problem, mend };
  }
  try {
    const version = await mlflowVersion(settings, AbortSignal.timeout(5000));
    return { name, ok: true, detail: `${settings.uri}, version ${version}`, mend: null };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { name, ok: false, optional: true, detail, mend: 'start it, or correct MLFLOW_TRACKING_URI; runs go on without it' };
  }
}
