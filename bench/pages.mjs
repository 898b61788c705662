// How long the list of 5,000 experiments takes in a real Chromium, and what it costs the server: node bench/pages.mjs [EXPERIMENTS] [ROUNDS]
// Needs a build (npm run build) and ASSAY_TEST_CHROMIUM, or a chromium on the PATH.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { usageOf } from './lib/harness.mjs';

const [experiments = 5000, rounds = 5] = process.argv.slice(2).map(Number);
const root = join(import.meta.dirname, '..');
const { ids, refNames } = createRequire(import.meta.url)(join(root, 'dist/src/contract/index.js'));
const executablePath = process.env.ASSAY_TEST_CHROMIUM ?? execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();

const home = mkdtempSync(join(tmpdir(), 'assay-bench-pages-'));
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

fill();
const server = serve();
try {
  const { url, pid } = await server.ready;
  const before = memoryOf(pid);
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  const first = await load(browser, url);
  const paths = { 'first page': '/', 'last page': '/?page=999', 'by duration': '/?sort=duration', 'text filter': '/?text=images+team-3' };
  console.log(`${experiments} experiments, medians of ${rounds}; node ${process.version}`);
  console.log(`first load after the start  first byte ${first.firstByte.toFixed(0)} ms  DOMContentLoaded ${first.ready.toFixed(0)} ms`);
  for (const [name, path] of Object.entries(paths)) {
    const found = [];
    for (let round = 0; round < rounds; round++) found.push(await load(browser, url + path));
    const of = (key) => median(found.map((one) => one[key]));
    console.log(
      `${name.padEnd(12)} first byte ${of('firstByte').toFixed(0)} ms  DOMContentLoaded ${of('ready').toFixed(0)} ms  ${(of('bytes') / 1024).toFixed(0)} KiB`,
    );
  }
  const api = await listed(url, pid);
  console.log(
    `API, 20 of them  median ${api.median.toFixed(1)} ms  worst ${api.worst.toFixed(0)} ms  CPU of the server ${api.cpu.toFixed(1)} ms each, asked 20 times a second`,
  );
  console.log(`server memory ${before} MiB at the start, ${memoryOf(pid)} MiB after`);
  await browser.close();
} finally {
  server.child.kill('SIGTERM');
  await server.ended;
  rmSync(home, { recursive: true, force: true });
}

/** A new profile each time: nothing is in a cache of the browser's. */
async function load(browser, url) {
  const context = await browser.newContext();
  const page = await context.newPage();
  let bytes = 0;
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  await page.goto(url, { waitUntil: 'load' });
  const timing = await page.evaluate(() => performance.getEntriesByType('navigation')[0].toJSON());
  await context.close();
  return { firstByte: timing.responseStart, ready: timing.domContentLoadedEventEnd, bytes };
}

/** The newest 20 by the API, 20 times a second for ten seconds. */
async function listed(url, pid) {
  const cpu = usageOf(pid).cpu;
  const answers = [];
  const began = performance.now();
  for (let i = 0; i < 200; i++) {
    await sleep(Math.max(0, began + i * 50 - performance.now()));
    const asked = performance.now();
    answers.push(
      fetch(`${url}/v1/experiments?limit=20`)
        .then((answer) => answer.arrayBuffer())
        .then(() => performance.now() - asked),
    );
  }
  const found = await Promise.all(answers);
  return { median: median(found), worst: Math.max(...found), cpu: ((usageOf(pid).cpu - cpu) * 1000) / found.length };
}

function fill() {
  const ref = { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: 'application/json' };
  for (let n = 0; n < experiments; n++) {
    const started = new Date(Date.UTC(2026, 0, 1) + n * 600_000);
    const name = n % 2 === 0 ? 'digits' : 'images';
    const experimentId = ids.experiment(name, started, n.toString(16).padStart(4, '0'));
    const value = {
      ...{ schema: 'assay.experiment/1', experimentId, name, owner: `team-${n % 7}`, status: 'done', message: null },
      ...{ startedAt: started.toISOString(), finishedAt: new Date(started.getTime() + (60 + (n % 90)) * 1000).toISOString() },
      workflow: { id: ids.experimentWorkflow(experimentId), runId: 'run' },
      ...{ spec: ref, provenance: ref, code: null, snapshot: ref, kept: null, result: ref, report: ref },
      verdict: {
        outcome: n % 3 === 0 ? 'adopt' : 'inconclusive',
        harm: false,
        variant: n % 3 === 0 ? 'cnn' : null,
        sentence: '',
        reasons: [],
      },
      effect: { metric: 'accuracy', variant: 'cnn', difference: 0.021, low: 0.008, high: 0.034 },
    };
    const file = join(home, 'store', 'refs', `${refNames.experiment(experimentId)}.json`);
    mkdirSync(dirname(file), { recursive: true });
    // Its former values, as a real one has.
    writeFileSync(
      file,
      JSON.stringify({
        version: 3,
        value,
        history: [value, value].map((former, i) => ({ version: i + 1, value: former, at: value.startedAt })),
      }),
    );
  }
}

/** No Temporal server is needed for the list; one that is away must not slow it. */
function serve() {
  const env = {
    ...process.env,
    ASSAY_HOME: home,
    ASSAY_STORE: `file://${join(home, 'store')}`,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    TEMPORAL_NAMESPACE: 'default',
  };
  const child = spawn(process.execPath, [join(root, 'dist/src/cli/main.js'), 'serve', '--port', '0'], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  let said = '';
  const ready = new Promise((resolve, reject) => {
    child.stderr.on('data', (chunk) => {
      said += chunk;
      const url = /assay serves (http:\S+)/.exec(said)?.[1];
      if (url) resolve({ url, pid: child.pid });
    });
    child.on('exit', () => reject(new Error(said)));
  });
  return { child, ended, ready };
}

/** Resident, MiB. */
function memoryOf(pid) {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
}
