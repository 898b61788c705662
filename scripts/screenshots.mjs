/**
 * The pictures of docs/operating.md, from a stack and experiments of their own: digits that run, wait, are paused, end and fail, and a series.
 *   npm run build && node scripts/screenshots.mjs [NAME...]
 * Needs Chromium: CHROMIUM_PATH, else /usr/bin/chromium. Takes about four minutes; everything it starts it stops and removes.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { inRoot } from './lib/root.mjs';

const require = createRequire(import.meta.url);
const { chromium } = require('playwright-core');
const { ensureStack, stopStack, trainerPython } = require(inRoot('dist/src/stack'));
const { connectTemporal, steer } = require(inRoot('dist/src/client'));
const wanted = process.argv.slice(2);
const most = 200_000;
const pictures = inRoot('docs/images');
const home = mkdtempSync(join(tmpdir(), 'assay-pictures-'));
for (const name of Object.keys(process.env)) if (/^(TEMPORAL_|ASSAY_STORE$)/.test(name)) delete process.env[name];
// One place, so that runs wait; the name of a host that anybody may have.
Object.assign(process.env, { ASSAY_HOME: home, ASSAY_SLOTS: '1', ASSAY_HOST: 'gpu-1', ASSAY_PYTHON: await trainerPython() });

const digits = (name, more = {}) => {
  const file = join(home, `${name}.yaml`);
  const variants = [
    { name: 'logistic', control: true, params: { model: 'logistic' } },
    { name: 'mlp', params: { model: 'mlp', hidden: 64 } },
  ];
  const spec = {
    ...{ name, owner: 'vision-team', hypothesis: 'A small neural network beats logistic regression on handwritten digits.' },
    data: { source: 'builtin:digits', label: 'label', id: 'id', split: { test: 0.3, validation: 0.1, seed: 7 } },
    variants,
    varies: ['model', 'hidden'],
    evaluation: { metrics: ['accuracy', 'log_loss'] },
    analysis: { primary: 'accuracy' },
    ...more,
    training: {
      ...{
        command: ['python', inRoot('examples/digits/train.py')],
        seeds: [1],
        batchSize: 128,
        budget: { epochs: 20 },
        checkpointEvery: '1s',
      },
      ...more.training,
    },
  };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(spec));
  return file;
};

let browser;
try {
  const stack = await ensureStack({ home, onStep: (line) => console.error(line) });
  const client = await connectTemporal(stack);
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  /** The tab `User Metadata` holds what a workflow says of itself. */
  const url = async (id, tab = 'user-metadata') => {
    const { runId } = await client.workflow.getHandle(id).describe();
    return `${stack.uiUrl}/namespaces/default/workflows/${encodeURIComponent(id)}/${runId}/${tab}`;
  };

  const done = digits('digits', { training: { seeds: [1, 2] } });
  const finished = await start(done);
  await ended(finished);
  await shot('done', await url(`assay/${finished}`), /verdict|adopt|keep|inconclusive|equivalent/);
  await shot('history', await url(`assay/${finished}`, 'history'), /compare the variants/);
  const report = await context.newPage();
  await assay('report', finished, '-o', join(home, 'report.html'));
  await picture(report, 'report', pathToFileURL(join(home, 'report.html')).href, null);
  await report.close();

  await assay('schedule', 'create', 'nightly', digits('nightly', { training: { seeds: [1] } }), '--cron', '0 2 * * *', '--paused');
  for (const look of [1, 2]) {
    await assay('schedule', 'trigger', 'nightly');
    await until(async () => (await json('show', 'series/nightly')).looks?.length >= look);
  }
  await shot('series', await url('assay/series/nightly'), /alpha spent/);

  const refused = await start(
    digits('refused', { training: { command: ['python', '-c', 'raise SystemExit("no CUDA kernels for this device")'], attempts: 2 } }),
  );
  await ended(refused);
  await shot('failed', await url(`assay/${refused}`), /failed/);

  const person = await start(digits('approval', { decision: { approval: true }, training: { budget: { epochs: 5 } } }));
  await until(async () => (await json('show', person)).progress?.approval?.state === 'waiting');
  await shot('approval', await url(`assay/${person}`), /assay approve/);

  // Long enough that the last run in line has been told why it waits, which comes after a minute.
  const running = await start(digits('training', { training: { seeds: [1, 2, 3, 4, 5], budget: { epochs: 2000, wallClock: '20s' } } }));
  const waiter = await until(async () => {
    const { progress } = await json('show', running);
    return progress?.runs.some(({ state }) => state === 'done') && progress.runs.findLast(({ state }) => state === 'waiting');
  });
  await shot('running', await url(`assay/${running}`), /waiting/);
  await shot('pool', await url('assay/gpu-pool'), /leases? on/);
  await shot(
    'list',
    `${stack.uiUrl}/namespaces/default/workflows?query=${encodeURIComponent('AssayOwner="vision-team"')}`,
    /vision-team|variantRun/,
  );
  const waiting = `assay/${running}/${waiter.variant}/seed-${waiter.seed}`;
  await until(async () => /in line/.test(await details(client, waiting)));
  await shot('waiting', await url(waiting), /in line/);
  await steer(client, running, { action: 'pause', by: 'ann@laptop', reason: 'the devices are needed for a demo' });
  await until(async () => /Paused/.test(await details(client, `assay/${running}`)));
  await shot('paused', await url(`assay/${running}`), /Paused/);
  await assay('cancel', running);
  await client.connection.close();

  async function shot(name, address, shows) {
    await picture(page, name, address, shows);
  }
} finally {
  await browser?.close();
  await stopStack(home);
  rmSync(home, { recursive: true, force: true });
}

/** Waits until the page says `shows`; WebP, made smaller until it is below the limit. */
async function picture(page, name, address, shows) {
  if (wanted.length > 0 && !wanted.includes(name)) return;
  await page.goto(address, { waitUntil: 'load' });
  // Markdown of a workflow is shown in frames.
  if (shows !== null)
    await until(async () => (await Promise.all(page.frames().map((frame) => frame.getByText(shows).count()))).some(Boolean));
  await sleep(1500);
  const session = await page.context().newCDPSession(page);
  mkdirSync(pictures, { recursive: true });
  for (let quality = 85; ; quality -= 15) {
    const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality });
    const bytes = Buffer.from(data, 'base64');
    if (bytes.length > most && quality > 30) continue;
    writeFileSync(join(pictures, `${name}.webp`), bytes);
    console.log(`${name}.webp ${bytes.length} bytes`);
    return;
  }
}

async function start(file) {
  return JSON.parse(await assay('run', file, '--detach', '--json')).experiment;
}

function ended(id) {
  return until(async () => (await json('show', id)).status !== 'running');
}

async function json(...args) {
  return JSON.parse(await assay(...args, '--json'));
}

/** What the workflow says of itself now. */
async function details(client, workflowId) {
  const metadata = await client.workflow.getHandle(workflowId).query('__temporal_workflow_metadata');
  return metadata.currentDetails ?? '';
}

function assay(...args) {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [inRoot('bin/assay'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (text) => (out += text));
    child.stderr.on('data', (text) => (err += text));
    child.on('error', fail);
    child.on('close', (code) => (code === 0 ? done(out) : fail(new Error(`assay ${args.join(' ')} ended with ${code}: ${err}`))));
  });
}

/** The first answer that is neither false nor null, asked every second for at most four minutes. */
async function until(ask) {
  for (let tries = 0; tries < 240; tries++) {
    const answer = await ask().catch(() => null);
    if (answer) return answer;
    await sleep(1000);
  }
  throw new Error(`not within four minutes: ${ask}`);
}
