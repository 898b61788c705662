import { join } from 'node:path';
import { inRoot } from './root.mjs';
import { provideVenv } from './venv.mjs';

/** An MLflow server, and the Python with pandas, DuckDB and Jupyter's kernel that reads exports. */
const variables = { ASSAY_TEST_MLFLOW: 'mlflow', ASSAY_TEST_PEERS_PYTHON: 'python' };

/** As variables of the tests' environment. Where both are set they win. */
export async function provideMlflow() {
  const given = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]));
  if (Object.values(given).every(Boolean)) return { env: given, did: false };
  const { bin, did } = await provideVenv('mlflow', inRoot('test', 'publish', 'requirements.txt'));
  return { env: Object.fromEntries(Object.entries(variables).map(([name, program]) => [name, join(bin, program)])), did };
}
