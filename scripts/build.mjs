// npm run build: compiles into dist/ what changed.
import { build } from './lib/build.mjs';
import { withSetupLock } from './lib/lock.mjs';
import { main, step } from './lib/steps.mjs';

await main(() => step('build', () => withSetupLock(build)));
