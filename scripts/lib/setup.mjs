import { build } from './build.mjs';
import { withSetupLock } from './lock.mjs';
import { checkNode, installPackages } from './packages.mjs';
import { installPython } from './python.mjs';
import { step } from './steps.mjs';
import { provideServer } from './temporal.mjs';

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
