import { build } from './build.mjs';
import { provideChromium } from './chromium.mjs';
import { provideFuzzer } from './fuzzer.mjs';
import { provideDeployTools } from './deployTools.mjs';
import { provideStoreServers } from './goTools.mjs';
import { withSetupLock } from './lock.mjs';
import { provideMlflow } from './mlflow.mjs';
import { checkNode, installPackages } from './packages.mjs';
import { installPython } from './python.mjs';
import { step, StepFailed } from './steps.mjs';
import { provideServer } from './temporal.mjs';
import { provideTestServer } from './testServer.mjs';

/** npm packages and compiled code. */
export function setUpCode() {
  return withSetupLock(async () => {
    await step(`Node ${process.versions.node}`, checkNode);
    await step('npm packages', installPackages);
    await step('build', build);
  });
}

/** All that runs and tests need; does nothing twice. */
export async function setUp({ extras = [] } = {}) {
  await setUpCode();
  const python = await installPython(extras);
  let temporal = null;
  await step('Temporal server', async () => {
    const { binary, did } = await provideServer();
    temporal = binary;
    return did;
  });
  return { python, temporal };
}

/** The server that skips time, which only tests use. */
export async function setUpTestServer() {
  let server = null;
  await step('time-skipping test server', async () => {
    const { path, did } = await provideTestServer();
    server = path;
    return did;
  });
  return server;
}

/** The S3 server and the faulty network of the store's tests, as variables of their environment. */
export async function setUpStoreServers() {
  let env = {};
  await step('S3 server and faulty network', async () => {
    const made = await provideStoreServers();
    env = made.env;
    return made.did;
  });
  return env;
}

/** What fuzzes the HTTP API, as a variable of the tests' environment. */
export async function setUpFuzzer() {
  let env = {};
  await step('schemathesis', async () => {
    const made = await provideFuzzer();
    env = made.env;
    return made.did;
  });
  return env;
}

/** An MLflow server and readers of exports, as variables of the tests' environment. */
export async function setUpMlflow() {
  let env = {};
  await step('MLflow', async () => {
    const made = await provideMlflow();
    env = made.env;
    return made.did;
  });
  return env;
}

/** The browser that reads pages and reports, as a variable of the tests' environment. */
export async function setUpChromium() {
  let env = {};
  await step('Chromium', async () => {
    const made = await provideChromium();
    env = made.env;
    return made.did;
  });
  return env;
}

/** The Docker engine of the tests, as variables of their environment. Without one each test that needs it fails with the reason. */
export async function setUpDocker() {
  // dockerode is one of the packages that the step before has installed.
  const { provideDocker } = await import('./docker.mjs');
  let engine = null;
  try {
    await step('Docker engine', async () => {
      engine = await provideDocker();
      return engine.did;
    });
    return { env: { DOCKER_HOST: engine.host, ASSAY_TEST_DOCKER: engine.host }, stop: engine.stop };
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    console.error(`✗ Docker engine: ${error.message}`);
    return { env: { ASSAY_TEST_DOCKER_ERROR: error.message }, stop: async () => {} };
  }
}

/** The checkers of deploy/, as variables of the tests' environment. The tests of one that is missing fail with the reason. */
export async function setUpDeployTools() {
  let env = {};
  await step('checkers of deploy/', async () => {
    const made = await provideDeployTools();
    env = made.env;
    return made.did;
  });
  return env;
}
