import { accessSync, constants } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { run, say, StepFailed } from './steps.mjs';

const variable = 'ASSAY_TEST_CHROMIUM';
const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Chromium: the one that a variable names, else of the PATH, else installed where a person may install. */
export async function provideChromium() {
  const found = process.env[variable] ?? onPath();
  if (found !== null) return { env: { [variable]: found }, did: false };
  if (userInfo().uid !== 0)
    throw new StepFailed(`the tests of pages need Chromium: install the package chromium, or set ${variable} to a browser's executable`);
  say('installing chromium');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-qq'], { env });
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'], { env });
  const installed = onPath();
  if (installed === null) throw new StepFailed('the package chromium was installed and brought no browser on the PATH');
  return { env: { [variable]: installed }, did: true };
}

function onPath() {
  for (const folder of (process.env.PATH ?? '').split(delimiter))
    for (const name of names) {
      try {
        const file = join(folder, name);
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // The next one.
      }
    }
  return null;
}
