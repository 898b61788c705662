// npm run verify: every check that needs no server, then the tests unless --no-tests. All checks run; each failure is shown.
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import { inRoot } from './lib/root.mjs';
import { setUpCode } from './lib/setup.mjs';
import { main, run, show } from './lib/steps.mjs';

const bin = inRoot('node_modules', '.bin');
// oxlint looks for tsgolint on the PATH.
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
const linted = ['src', 'workers', 'test', 'bench'].filter((folder) => existsSync(inRoot(folder)));
const checks = {
  types: ['tsc', '--noEmit', '-p', '.'],
  'types of the tests': ['tsc', '--noEmit', '-p', 'test'],
  'types of the pages': ['tsc', '-p', 'src/pages/assets'],
  lint: ['oxlint', '--type-aware', '--deny-warnings', ...linted],
  imports: [process.execPath, 'scripts/check-imports.mjs'],
  format: ['biome', 'format', '.'],
  'unused code': ['knip'],
  schema: [process.execPath, 'scripts/schema.mjs', '--check'],
};

await main(async () => {
  await setUpCode();
  const failed = [];
  for (const [name, [command, ...args]] of Object.entries(checks)) {
    const start = performance.now();
    try {
      await run(command, args, { env });
      console.error(`✓ ${name} ${((performance.now() - start) / 1000).toFixed(1)} s`);
    } catch (error) {
      failed.push(name);
      console.error(`✗ ${name}: ${error.message}`);
    }
  }
  if (failed.length > 0) console.error(`${failed.length} of ${Object.keys(checks).length} checks failed: ${failed.join(', ')}`);
  const tests = process.argv.includes('--no-tests') ? 0 : await show(process.execPath, [inRoot('scripts', 'test.mjs')]);
  return failed.length > 0 ? 1 : tests;
});
