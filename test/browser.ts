import { type Browser, chromium } from 'playwright-core';

/** A real Chromium, as the tests' set-up found or installed it. */
export function launchBrowser(): Promise<Browser> {
  const executablePath = process.env.ASSAY_TEST_CHROMIUM;
  if (executablePath === undefined) throw new Error('ASSAY_TEST_CHROMIUM is not set: run the tests with npm test, or set it to a browser');
  return chromium.launch({ executablePath, args: quiet });
}

/** Nothing of the browser's own asks the network; containers without user namespaces have no sandbox. */
const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
