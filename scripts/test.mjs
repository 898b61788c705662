// npm test: sets up what the tests need, runs jest and pytest, and ends with "N passed, N failed" over both.
// Arguments go to jest; then pytest is left out: npm test -- test/stack
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { inRoot } from './lib/root.mjs';
import {
  setUp,
  setUpChromium,
  setUpDeployTools,
  setUpDocker,
  setUpFuzzer,
  setUpMlflow,
  setUpStoreServers,
  setUpTestServer,
} from './lib/setup.mjs';
import { main, show } from './lib/steps.mjs';

const mostTriedAgain = 3;
const precededByFailure = '--after-failed-checks';
const args = process.argv.slice(2).filter((argument) => argument !== precededByFailure);
const results = mkdtempSync(join(tmpdir(), 'assay-test-'));
let total = { passed: 0, failed: process.argv.includes(precededByFailure) ? 1 : 0 };

await main(async () => {
  const { python, temporal } = await setUp({ extras: ['torch', 'test'] });
  const testServer = await setUpTestServer();
  const storeServers = await setUpStoreServers();
  const deployTools = await setUpDeployTools();
  const fuzzer = await setUpFuzzer();
  const mlflow = await setUpMlflow();
  const browser = await setUpChromium();
  // The tests start their own servers, so that a configured one is neither needed nor touched.
  const servers = {
    ASSAY_TEST_SERVER: testServer,
    ...storeServers,
    ...deployTools,
    ...fuzzer,
    ...mlflow,
    ...browser,
    ...(temporal === null ? {} : { ASSAY_TEMPORAL_BIN: temporal }),
  };
  const env = { ...process.env, ASSAY_PYTHON: python, ...servers };
  delete env.TEMPORAL_ADDRESS;
  // Ctrl-C ends jest, which was started from the same terminal; the engine is then stopped in peace.
  process.on('SIGINT', () => {});
  const docker = await setUpDocker();
  let interrupted = false;
  try {
    const ended = await jest({ ...env, ...docker.env });
    interrupted = ended.code === 130;
    add('jest', ended, args.length === 0 ? 1 : 0);
  } finally {
    await docker.stop();
  }
  if (args.length === 0 && !interrupted) add('pytest', await pytest(env, python), 1);
  return total.failed === 0 ? 0 : 1;
}).finally(() => rmSync(results, { recursive: true, force: true }));
// A failed set-up is a failure of its own: nothing was run.
if (process.exitCode !== 0 && total.failed === 0) total.failed = 1;
console.log(`${total.passed} passed, ${total.failed} failed`);

/**
 * A suite that fails beside others is run again alone: on a busy machine what waits for a server may wait too long. What then passes is named, as
 * it is a weak test; more than a few are no accident, and are not tried again.
 */
async function jest(env) {
  const first = await jestOnce(env, args);
  const again = first.suites.filter(({ status }) => status === 'failed').map(({ name }) => name);
  if (args.length > 0 || first.code === 130 || again.length === 0 || again.length > mostTriedAgain) return first;
  console.log(`\nalone, since they failed beside others:\n${again.join('\n')}\n`);
  const second = await jestOnce(env, ['--runInBand', '--runTestsByPath', ...again]);
  if (second.code === 0) console.log(`\npassed alone, and should pass beside others as well:\n${again.join('\n')}\n`);
  const passed = first.passed - first.suites.filter(({ name }) => again.includes(name)).reduce((sum, one) => sum + one.passed, 0);
  return { passed: passed + second.passed, failed: second.failed + first.left, code: second.code };
}

async function jestOnce(env, more) {
  const file = join(results, 'jest.json');
  rmSync(file, { force: true });
  const options = `${env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning`.trim();
  const command = [inRoot('node_modules', 'jest', 'bin', 'jest.js'), '--json', `--outputFile=${file}`, ...more];
  const code = await show(process.execPath, command, { env: { ...env, NODE_OPTIONS: options } });
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, numPendingTests, numTodoTests, testResults } = JSON.parse(
    read(file) ?? '{}',
  );
  const left = (numPendingTests ?? 0) + (numTodoTests ?? 0);
  const failed = (numFailedTests ?? 0) + (numRuntimeErrorTestSuites ?? 0) + left;
  const suites = (testResults ?? []).map(({ name, status, assertionResults }) => ({
    ...{ name, status, passed: assertionResults.filter((test) => test.status === 'passed').length },
  }));
  return { passed: numPassedTests ?? 0, failed, left, code, suites };
}

async function pytest(env, python) {
  const file = join(results, 'pytest.xml');
  const path = [inRoot('runtime'), env.PYTHONPATH].filter(Boolean).join(delimiter);
  const command = ['-m', 'pytest', inRoot('runtime', 'tests'), '-q', '-p', 'no:cacheprovider', `--junitxml=${file}`];
  const code = await show(python, command, { env: { ...env, PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: '1' } });
  const xml = read(file) ?? '';
  const count = (name) => Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(xml)?.[1] ?? 0);
  // A GPU cannot be installed; any other skip is a missing component, which is a failure.
  const withoutGpu = xml.match(/<skipped [^>]*message="[^"]*\b(GPU|CUDA)\b/g)?.length ?? 0;
  if (withoutGpu > 0) console.log(`${withoutGpu} tests need a GPU and were not run`);
  const failed = count('failures') + count('errors') + count('skipped') - withoutGpu;
  return { passed: count('tests') - failed - withoutGpu, failed, code };
}

/** A runner that ended badly or ran less than `least` tests failed, whatever its counts. */
function add(runner, { passed, failed, code }, least) {
  if (passed + failed < least) console.error(`${runner} ran no test`);
  const unexplained = failed === 0 && (code !== 0 || passed < least) ? 1 : 0;
  total = { passed: total.passed + passed, failed: total.failed + failed + unexplained };
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
