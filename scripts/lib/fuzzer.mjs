import { join } from 'node:path';
import { inRoot } from './root.mjs';
import { provideVenv } from './venv.mjs';

const variable = 'ASSAY_TEST_SCHEMATHESIS';

/** schemathesis, as a variable of the tests' environment. A variable that is set wins. */
export async function provideFuzzer() {
  if (process.env[variable]) return { env: { [variable]: process.env[variable] }, did: false };
  const { bin, did } = await provideVenv('schemathesis', inRoot('test', 'api', 'requirements.txt'));
  return { env: { [variable]: join(bin, 'schemathesis') }, did };
}
