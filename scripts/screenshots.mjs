/**
 * Pictures of everything that people see, from a stack and experiments of their own: digits that run, wait, are paused, end and fail, and a series.
 *   npm run screenshots                        every page and report section at three widths, light and dark, and those of the documentation
 *   npm run screenshots -- --all DIR           into another folder than .assay/screenshots (index.html shows them beside each other)
 *   npm run screenshots -- --docs              those of the documentation (docs/images) alone
 *   npm run screenshots -- --only NAME...      some, e.g. `--only terminal sections`
 * Needs Chromium: ASSAY_TEST_CHROMIUM, else /usr/bin/chromium. Takes about eight minutes; everything it starts it stops and removes.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { inRoot } from './lib/root.mjs';
import { openCamera } from './screenshots/camera.mjs';
import { assay, details, digits, ended, json, start, until } from './screenshots/story.mjs';
import { terminalPicture } from './screenshots/terminal.mjs';

const require = createRequire(import.meta.url);
const { ensureStack, stopStack, trainerPython } = require(inRoot('dist/src/stack'));
const { connectTemporal, steer } = require(inRoot('dist/src/client'));

const { values, positionals } = parseArgs({
  options: { only: { type: 'string', multiple: true }, all: { type: 'string' }, docs: { type: 'boolean' } },
  allowPositionals: true,
});
const only = [...(values.only ?? []), ...positionals];
const wanted = (name) => only.length === 0 || only.includes(name);
const anyOf = (...names) => names.some(wanted);
const folder = values.docs ? null : resolve(values.all ?? inRoot('.assay/screenshots'));

const home = mkdtempSync(join(tmpdir(), 'assay-pictures-'));
for (const name of Object.keys(process.env)) if (/^(TEMPORAL_|ASSAY_STORE$|ASSAY_TOKEN)/.test(name)) delete process.env[name];
// One place, so that runs wait; the name of a host that anybody may have.
Object.assign(process.env, { ASSAY_HOME: home, ASSAY_SLOTS: '1', ASSAY_HOST: 'gpu-1', ASSAY_PYTHON: await trainerPython() });

const camera = await openCamera({ folder, wanted });
try {
  if (anyOf('sections')) await sections();
  if (anyOf('terminal')) await terminal();
  if (only.length === 0 || only.some((name) => name !== 'sections' && name !== 'terminal')) await scenes();
  camera.writeSheet();
} finally {
  await camera.close();
  await stopStack(home);
  rmSync(home, { recursive: true, force: true });
}

/** Each part of a report that has every part, which no single experiment of a machine without a GPU has. */
async function sections() {
  const page = join(home, 'sections.html');
  const fixture = inRoot('test/report/result.fixture.json');
  writeFileSync(page, execFileSync(process.execPath, [inRoot('test/report/renderFile.cjs'), fixture], { maxBuffer: 2 ** 26 }));
  const address = pathToFileURL(page).href;
  await camera.all('sections', address, { sections: 'main header.verdict, main section[id]' });
}

/** On a stack of its own: with two places, as on the machine of whoever reads on. */
async function terminal() {
  const own = mkdtempSync(join(tmpdir(), 'assay-pictures-'));
  try {
    await camera.ofHtml('terminal', await terminalPicture({ ASSAY_HOME: own, ASSAY_SLOTS: '2' }), 'figure');
  } finally {
    await stopStack(own);
    rmSync(own, { recursive: true, force: true });
  }
}

async function scenes() {
  const stack = await ensureStack({ home, onStep: (line) => console.error(line) });
  const client = await connectTemporal(stack);
  const page = (path) => new URL(path, stack.apiUrl).href;
  /** The tab `User Metadata` holds what a workflow says of itself. */
  const workflow = async (id, tab = 'user-metadata') => {
    const { runId } = await client.workflow.getHandle(id).describe();
    return `${stack.uiUrl}/namespaces/default/workflows/${encodeURIComponent(id)}/${runId}/${tab}`;
  };
  const { all, forDocs } = camera;

  await until(async () => (await fetch(page('/readyz'))).ok);
  await all('list-empty', page('/'));
  await all('series-empty', page('/series'));
  await all('schedules-empty', page('/schedules'));
  await all('not-found', page('/experiments/nobody'));

  if (anyOf('done', 'history', 'report', 'report-page', 'experiment-done', 'page-report')) {
    const finished = await start(digits(home, 'digits', { training: { seeds: [1, 2] } }));
    await ended(finished);
    await forDocs('done', await workflow(`assay/${finished}`), { shows: /verdict|adopt|keep|inconclusive|equivalent/ });
    await forDocs('history', await workflow(`assay/${finished}`, 'history'), { shows: /compare the variants/ });
    await all('experiment-done', page(`/experiments/${finished}`));
    await all('report-page', page(`/experiments/${finished}/report`));
    await assay('report', finished, '-o', join(home, 'report.html'));
    await all('report', pathToFileURL(join(home, 'report.html')).href);
    await forDocs('report', pathToFileURL(join(home, 'report.html')).href, { width: 1100, height: 1000 });
  }

  if (anyOf('series', 'series-list', 'series-page', 'schedules')) {
    await assay('schedule', 'create', 'nightly', digits(home, 'nightly'), '--cron', '0 2 * * *', '--paused');
    for (const look of [1, 2]) {
      await assay('schedule', 'trigger', 'nightly');
      await until(async () => (await json('show', 'series/nightly')).looks?.length >= look);
    }
    await forDocs('series', await workflow('assay/series/nightly'), { shows: /alpha spent/ });
    await all('series-list', page('/series'));
    await all('series-page', page('/series/nightly'));
    await all('schedules', page('/schedules'));
  }

  if (anyOf('failed', 'experiment-failed', 'experiment-runs-failed')) {
    const command = ['python', '-c', 'raise SystemExit("no CUDA kernels for this device")'];
    const refused = await start(digits(home, 'refused', { training: { command, attempts: 2 } }));
    await ended(refused);
    await forDocs('failed', await workflow(`assay/${refused}`), { shows: /failed/ });
    await all('experiment-runs-failed', page(`/experiments/${refused}`));
    // One without a result: its data have no label.
    writeFileSync(join(home, 'unlabelled.csv'), 'id,x\n1,2\n');
    const failed = await start(digits(home, 'unlabelled', { data: { source: './unlabelled.csv', label: 'label', id: 'id' } }));
    await ended(failed);
    await all('experiment-failed', page(`/experiments/${failed}`));
  }

  if (anyOf('approval', 'experiment-approval')) {
    const person = await start(digits(home, 'approval', { decision: { approval: true }, training: { budget: { epochs: 5 } } }));
    await until(async () => (await json('show', person)).progress?.approval?.state === 'waiting');
    await forDocs('approval', await workflow(`assay/${person}`), { shows: /assay approve/ });
    await all('experiment-approval', page(`/experiments/${person}`));
  }

  if (
    anyOf('running', 'pool', 'list', 'waiting', 'paused', 'page-experiment', 'page-list', 'experiment-running', 'experiment-paused', 'gpus')
  ) {
    // Long enough that the last run in line has been told why it waits, which comes after a minute.
    const running = await start(
      digits(home, 'training', { training: { seeds: [1, 2, 3, 4, 5], budget: { epochs: 2000, wallClock: '30s' } } }),
    );
    const waiter = await until(async () => {
      const { progress } = await json('show', running);
      const [some] = progress?.runs.filter(({ state }) => state === 'done') ?? [];
      return some && progress.runs.findLast(({ state }) => state === 'waiting');
    });
    await forDocs('running', await workflow(`assay/${running}`), { shows: /waiting/ });
    await forDocs('page-experiment', page(`/experiments/${running}`), { shows: /training/, height: 1300 });
    await forDocs('page-list', page('/'), { shows: /training/, height: 700 });
    await all('experiment-running', page(`/experiments/${running}`), { shows: /training/ });
    await forDocs('pool', await workflow('assay/gpu-pool'), { shows: /leases? on/ });
    await all('gpus', page('/gpus'));
    await all('page-list', page('/'));
    await forDocs('list', `${stack.uiUrl}/namespaces/default/workflows?query=${encodeURIComponent('AssayOwner="vision-team"')}`, {
      shows: /vision-team|variantRun/,
    });
    const waiting = `assay/${running}/${waiter.variant}/seed-${waiter.seed}`;
    if (anyOf('waiting')) {
      await until(async () => /in line/.test(await details(client, waiting)));
      await forDocs('waiting', await workflow(waiting), { shows: /in line/ });
    }
    await steer(client, running, { action: 'pause', by: 'ann@laptop', reason: 'the devices are needed for a demo' });
    await until(async () => /Paused/.test(await details(client, `assay/${running}`)));
    await forDocs('paused', await workflow(`assay/${running}`), { shows: /Paused/ });
    await all('experiment-paused', page(`/experiments/${running}`));
    await assay('cancel', running);
  }

  // Last: with a token in the file, every other page asks for one.
  if (anyOf('sign-in')) {
    await assay('token', 'create', 'ann', '--scope', 'admin');
    await until(async () => (await fetch(page('/'), { redirect: 'manual' })).status !== 200);
    await all('sign-in', page('/sign-in'));
  }
  await client.connection.close();
}
