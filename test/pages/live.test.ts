// Proves the page of an experiment in a real Chromium, over a real server, real pools and the real API: from an empty page to a finished verdict
// by keyboard alone, through a lost network and a restart of the API, in two tabs at once.
import { copyFileSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { createToken, defaultConfig, type RunningApi, startApi } from '../../src/api';
import { lazyTemporal } from '../../src/client';
import { ids } from '../../src/contract';
import { openMetrics } from '../../src/observability';
import { ask, expectProblem, postYaml } from '../api/support';
import { launchBrowser } from '../browser';
import { Cluster, until } from '../e2e/cluster';
import { writeTable } from '../e2e/table';
import { looks, sticksOut, violations } from './support';

const script = '<script>document.title="broken"</script>';

let cluster: Cluster;
let browser: Browser;
let folder: string;
let tokens: string;
let secret: { admin: string; run: string; read: string };
let api: RunningApi;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'assay-live-')));
  writeTable(join(folder, 'data.csv'));
  copyFileSync(join(__dirname, '..', 'e2e', 'trainers', 'trainer.py'), join(folder, 'trainer.py'));
  copyFileSync(join(__dirname, 'chatty.py'), join(folder, 'chatty.py'));
  tokens = join(folder, 'tokens.json');
  const token = (name: string, scope: 'read' | 'run' | 'admin') =>
    createToken(tokens, { name, scopes: [scope], owner: null, expiresAt: null });
  secret = { admin: await token('ada', 'admin'), run: await token('rob', 'run'), read: await token('eve', 'read') };
  openMetrics({ pool: 'api', version: 'test', build: 'test' });
  [cluster, browser] = await Promise.all([Cluster.start({ hosts: ['host-a'], slots: 2 }), launchBrowser()]);
  api = await serve();
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await api?.close();
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The API beside the runs of host-a, or elsewhere. */
async function serve(port = 0, home = join(cluster.dir, 'host-a')): Promise<RunningApi> {
  const config = defaultConfig();
  return startApi({
    client: await lazyTemporal({ address: `127.0.0.1:${cluster.frontend}`, namespace: 'default' }),
    store: cluster.store,
    config: {
      ...config,
      port,
      allow: { ...config.allow, executors: ['process'], roots: [folder] },
      limits: { ...config.limits, requestsPerMinute: 100_000 },
    },
    ...{ home, tokens, uiUrl: 'http://ui.example', version: '0.0.0-test' },
  });
}

/** Its trainers take their time until there is a file `<name>.go`. */
const spec = (name: string, more = ''): string => `name: ${name}
hypothesis: ${JSON.stringify(`Less noise is better ${script}`)}
data: {source: data.csv, label: label, id: id}
training: {command: [python, chatty.py], seeds: [1], budget: {steps: 500}, params: {pause: 0.1, gate: ${folder}/${name}.go}}
variants: [{name: control, control: true, params: {noise: 1.5}}, {name: candidate, params: {noise: 0}}]
varies: [noise]
evaluation: {metrics: [accuracy]}
${more}`;

async function submit(text: string): Promise<string> {
  const started = await postYaml(`${api.url}/v1/experiments?root=${folder}`, text, { token: secret.admin });
  expect(started.status).toBe(201);
  return started.body.id as string;
}

/** A browser that is signed in, with what its pages complained of. */
async function signedIn(token: string): Promise<{ context: BrowserContext; complaints: string[]; open: (path: string) => Promise<Page> }> {
  const context = await browser.newContext();
  const complaints: string[] = [];
  const open = async (path: string): Promise<Page> => {
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    // A lost network is what the tests make, and a log can be asked for in the moment in which its run yields.
    const expected = (text: string, url: string): boolean => /net::ERR_/.test(text) || (/ 404 /.test(text) && /\/log\?tail=/.test(url));
    page.on('console', (line) => {
      if (line.type() === 'error' && !expected(line.text(), line.location().url)) complaints.push(`${line.text()} ${line.location().url}`);
    });
    await page.goto(api.url + path);
    return page;
  };
  const page = await open('/sign-in');
  await page.getByLabel(/token/i).fill(token);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${api.url}/`, { waitUntil: 'commit' }).catch(() => undefined);
  await page.close();
  return { context, complaints, open };
}

/** As somebody without a mouse does it. */
async function tabTo(page: Page, id: string): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    if ((await page.evaluate('document.activeElement?.id')) === id) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`80 times Tab did not lead to #${id}`);
}

const connection = (page: Page, state: string): Promise<unknown> =>
  page.waitForSelector(`#experiment[data-connection=${state}]`, { timeout: 30_000 });

const stepOf = async (page: Page): Promise<number> =>
  Number.parseInt(((await page.textContent('[data-run="candidate/1"] [data-cell=step]')) ?? '').replace(',', '') || '0', 10);

const pointsOf = (page: Page): Promise<number> =>
  page.evaluate(`document.querySelector('[data-variant=candidate] polyline')?.getAttribute('points')?.split(' ').length ?? 0`);

/** Axe finds nothing, and nothing is wider than the window, at a phone's and a desktop's width, light and dark. */
async function expectAccessible(page: Page): Promise<void> {
  for (const { width, dark } of looks) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
    expect({ width, dark, found: await violations(page), sticksOut: await sticksOut(page) }).toEqual({
      width,
      dark,
      found: [],
      sticksOut: false,
    });
  }
  await page.setViewportSize({ width: 1200, height: 900 });
}

test('an experiment is followed, paused, resumed and approved from an empty page to its verdict by keyboard alone, in two tabs', async () => {
  const id = await submit(spec('whole', 'decision: {approval: true}\n'));
  const { context, complaints, open } = await signedIn(secret.admin);
  const page = await open(`/experiments/${id}`);
  const other = await open(`/experiments/${id}`);
  await Promise.all([connection(page, 'live'), connection(other, 'live')]);
  expect(await page.title()).toBe('whole · assay');
  // Two tabs, one connection.
  expect((await ask(`${api.url}/metrics`, { token: secret.admin })).body).toMatch(/^assay_api_event_streams\S* 1$/m);

  await page.waitForSelector('[data-run="candidate/1"][data-state=training]', { timeout: 30_000 });
  await until(async () => (await stepOf(page)) > 0 && (await stepOf(other)) > 0 && (await pointsOf(page)) > 1, 30_000);
  const before = await pointsOf(page);
  await until(async () => (await pointsOf(page)) > before && (await pointsOf(other)) > before, 20_000);
  await expectAccessible(page);

  // The log of a run, as text.
  await tabTo(page, 'log-run');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await until(async () => ((await page.textContent('#log-lines')) ?? '').includes('line 9'), 20_000);
  expect(await page.textContent('#log-lines')).toContain(`line 9 <img src=x onerror="document.title='broken'"> & </pre>\n`);
  expect(await page.textContent('#region-head')).toContain(script);

  // Without network it says so, and catches up without being loaded again.
  await page.evaluate(() => Object.assign(globalThis, { loadedOnce: true }));
  await context.setOffline(true);
  await connection(page, 'offline');
  expect(await page.textContent('#connection')).toMatch(/^You are offline since \d\d:\d\d:\d\d UTC/);
  const lost = await stepOf(page);
  await context.setOffline(false);
  await connection(page, 'live');
  await until(async () => (await stepOf(page)) > lost, 20_000);

  // The same of a server that is away.
  const port = Number(new URL(api.url).port);
  await api.close();
  await connection(page, 'broken');
  api = await serve(port);
  await Promise.all([connection(page, 'live'), connection(other, 'live')]);
  expect(await page.evaluate(() => 'loadedOnce' in globalThis)).toBe(true);

  await tabTo(page, 'pause-reason');
  await page.keyboard.type(`to look ${script}`);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.said');
  expect(await page.textContent('.said')).toMatch(/^Paused/);
  await connection(page, 'live');
  await page.waitForSelector('[data-run="candidate/1"][data-state=waiting]', { timeout: 30_000 });
  await other.waitForSelector('#resume-button');
  expect(await other.textContent('#region-trail')).toContain(`to look ${script}`);
  // What is waiting still has its curve, from its checkpoint.
  expect(await pointsOf(page)).toBeGreaterThan(before);

  writeFileSync(join(folder, 'whole.go'), '');
  await tabTo(page, 'resume-button');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.said');
  await page.waitForSelector('#approve-button', { timeout: 60_000 });
  await expectAccessible(page);
  await tabTo(page, 'approve-reason');
  await page.keyboard.type('it is what we asked for');
  await page.keyboard.press('Enter');
  await Promise.all([connection(other, 'ended'), page.waitForSelector('#experiment[data-ended=true]')]);

  await page.reload();
  for (const tab of [page, other]) {
    const state = (await tab.textContent('#region-state')) ?? '';
    expect(state).toContain('candidate against control');
    expect(state).toContain('Approved by ada');
    expect(await tab.textContent('h1')).toContain('done');
    expect(await tab.locator('#steering').count()).toBe(0);
    expect(await pointsOf(tab)).toBeGreaterThan(50);
  }
  expect(await page.getAttribute('text=Report', 'href')).toBe(`/experiments/${id}/report`);
  expect(await page.locator('#region-files a').count()).toBeGreaterThan(6);
  await expectAccessible(page);
  expect(await page.title()).toBe('whole · assay');
  expect(complaints).toEqual([]);

  // The whole curve for whoever comes late, and the log from the store.
  const { body } = await ask(`${api.url}/v1/experiments/${id}/curves`, { token: secret.read });
  expect(body).toMatchObject({
    curves: [
      { variant: 'control', seed: 1 },
      { variant: 'candidate', seed: 1 },
    ],
    leftOut: 0,
  });
  expect(body.curves[1].points.length).toBeGreaterThan(99);
  expect(body.curves[1].points[0]).toEqual([1, expect.any(Number)]);
  expect(body.curves[1].points.at(-1)).toEqual([500, expect.any(Number)]);
  const log = await ask(`${api.url}/v1/experiments/${id}/runs/candidate/1/log?tail=1`, { token: secret.read });
  expect(log.body).toMatch(/^line \d+ <img[^\n]*\n$/);
  expect(log.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  await context.close();
}, 180_000);

test('who may only look sees no form, who may run sees no approval, and what is refused is said in words beside the form', async () => {
  const id = await submit(spec('scopes'));
  const reader = await signedIn(secret.read);
  const looked = await reader.open(`/experiments/${id}`);
  await connection(looked, 'live');
  await looked.waitForSelector('[data-run="candidate/1"][data-state=training]', { timeout: 30_000 });
  expect(await looked.locator('#steering form').count()).toBe(0);
  expect(await looked.textContent('#steering')).toContain('sign in');
  await reader.context.close();

  // With the script, a form that is refused leaves a page that still follows.
  const runner = await signedIn(secret.run);
  const live = await runner.open(`/experiments/${id}`);
  await live.click('#add-seeds-form summary');
  await live.fill('#add-seeds-seeds', '1');
  await live.click('#add-seeds-button');
  await live.waitForSelector('#refused');
  await connection(live, 'live');
  expect(live.url()).toBe(`${api.url}/experiments/${id}`);
  await runner.context.close();

  // Without the script: the forms alone.
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${api.url}/sign-in?to=/experiments/${id}`);
  await page.getByLabel(/token/i).fill(secret.run);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#connection');
  expect(await page.textContent('#connection')).toMatch(/^As of \d\d:\d\d:\d\d UTC/);
  expect(await page.locator('#priority-form').count()).toBe(0);
  await page.selectOption('#log-run', 'candidate/1');
  await page.click('#log-form button');
  expect(await page.textContent('#log-lines')).toMatch(/line \d+ <img/);
  await page.click('#add-seeds-form summary');
  await page.fill('#add-seeds-seeds', '1');
  await page.click('#add-seeds-button');
  expect(await page.textContent('#refused')).toMatch(/^Not done\. seeds: 1 of .* is there already/);
  expect(await page.inputValue('#add-seeds-seeds')).toBe('1');
  await page.click('#cancel-form summary');
  await page.check('#cancel-confirm');
  await page.click('#cancel-button');
  expect(await page.textContent('.said')).toMatch(/^It is being cancelled/);
  await until(async () => {
    await page.reload();
    return ((await page.textContent('#region-state')) ?? '').includes('It was cancelled.');
  }, 40_000);
  expect(await page.textContent('h1')).toContain('cancelled');
  await context.close();
}, 120_000);

test('what was terminated is told to have failed, though its record was never ended', async () => {
  const id = await submit(spec('gone'));
  await cluster.reaches(id, 'control', 1, 1);
  await cluster.client.workflow.getHandle(ids.experimentWorkflow(id)).terminate('by hand');
  const { context, open } = await signedIn(secret.admin);
  const page = await open(`/experiments/${id}`);
  await until(async () => {
    await page.reload();
    return ((await page.textContent('#region-state')) ?? '').includes('terminated: by hand');
  }, 30_000);
  expect(await page.textContent('h1')).toContain('failed');
  expect(await page.locator('#steering').count()).toBe(0);
  await context.close();
}, 90_000);

test('a log that lies on another host is told of with its place, and only a log has last lines', async () => {
  const id = await submit(spec('elsewhere'));
  const far = await serve(0, join(folder, 'nowhere'));
  try {
    await cluster.reaches(id, 'control', 1, 1);
    const at = `/v1/experiments/${id}/runs/control/1`;
    const there = await ask(`${far.url}${at}/log?tail=5`, { token: secret.read });
    expectProblem(there, 404, 'not-found');
    expect(there.body.detail).toContain(
      `lies on the host host-a, whose files this server does not see: there, \`assay logs ${id} control/1 -f\``,
    );
    expect((await ask(`${api.url}${at}/log?tail=5`, { token: secret.read })).body).toMatch(/^line \d+ <img/);
    expectProblem(await ask(`${api.url}${at}/model?tail=5`, { token: secret.read }), 400, 'invalid-request');
    expectProblem(await ask(`${api.url}/v1/experiments/${id}/runs/..%2f..%2f..%2fx/1/log?tail=5`, { token: secret.read }), 404);
  } finally {
    await far.close();
    await ask(`${api.url}/v1/experiments/${id}/cancel`, { method: 'POST', token: secret.admin });
    await until(async () => (await ask(`${api.url}/v1/experiments/${id}`, { token: secret.read })).body.status === 'cancelled', 30_000);
  }
}, 60_000);
