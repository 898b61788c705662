// Proves the list of experiments in a real Chromium over a real server and store: 5,000 of them, filters, order, keyboard, two tabs, no script.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Browser, Page } from 'playwright-core';
import { type ExperimentRecord, ids, queues, refNames } from '../../src/contract';
import { openStore, type Store } from '../../src/store';
import { apiHome, type Home } from '../api/support';
import { launchBrowser } from '../browser';
import { startServer, stopServer } from '../client/environment';
import { looks, openPage, putEnded, putRecords, recordOf, sticksOut, violations } from './support';

let server: TestWorkflowEnvironment;
let browser: Browser;
let home: Home;
let store: Store;
let url: string;
let ended: ExperimentRecord;
const evil = `<img src=x onerror="console.error('injected')"> & "quotes"`;

beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
  home = apiHome();
  store = openStore(pathToFileURL(join(home.dir, 'store')).href);
  const many = Array.from({ length: 4996 }, (_, n) => recordOf(n % 2 === 0 ? 'digits' : 'images', n));
  putRecords(home, [
    ...many,
    recordOf('hostile', 5000, {
      name: evil,
      owner: evil,
      verdict: { outcome: 'adopt', harm: true, variant: evil, sentence: evil, reasons: [] },
    }),
    recordOf('broken', 5001, {
      status: 'failed',
      message: `TrainerFailed: ${evil}`,
      result: null,
      report: null,
      verdict: null,
      effect: null,
    }),
    recordOf('live', 5002, { status: 'running', finishedAt: null, result: null, report: null, verdict: null, effect: null }),
  ]);
  ended = await putEnded(store);
  ({ url } = await home.start({ client: server.client, store, uiUrl: 'http://ui.example' }));
}, 120_000);

afterAll(async () => {
  await home.stop();
  await browser.close();
  await stopServer(server);
});

const names = (page: Page): Promise<string[]> => page.locator('#results tbody th a').allTextContents();
const count = (page: Page): Promise<string> => page.locator('#count').innerText();
const address = (page: Page): string => page.url().slice(url.length);

test('5,000 experiments are listed a hundred a page, the newest first, each row with what it has', async () => {
  const { page, context, wrong } = await openPage(browser);
  await page.goto(url);
  expect(await count(page)).toBe('5000 experiments, 1 to 100 shown');
  expect(await page.locator('#results tbody tr').count()).toBe(100);
  const row = page.locator('tr', { hasText: ended.experimentId });
  await page.goto(`${url}/?text=${ended.experimentId}`);
  // Its record says nothing of the effect, its result does.
  await expect(row.locator('td').allInnerTexts()).resolves.toEqual([
    expect.stringContaining('done'),
    '✓ adopt mlp',
    expect.stringMatching(/^\+\d\.\d\d pp\s*\[.*\] pp Accuracy$/),
    '–',
    'vision-team',
    '2026-11-21 14:03 UTC',
    '6 min',
    'Report Temporal',
  ]);
  expect(await row.getByRole('link', { name: /Temporal/ }).getAttribute('href')).toBe(
    `http://ui.example/namespaces/default/workflows/${encodeURIComponent(`assay/${ended.experimentId}`)}`,
  );
  await page.goto(`${url}/?page=50`);
  expect(await count(page)).toBe('5000 experiments, 4901 to 5000 shown');
  await page.goto(`${url}/?page=999`);
  expect(await page.locator('.paging').innerText()).toContain('Page 50 of 50');
  expect(wrong).toEqual([]);
  await context.close();
}, 30_000);

test('filters and order stand in the address, with a script and without one', async () => {
  for (const javaScript of [true, false]) {
    const { page, context, wrong } = await openPage(browser, { javaScript });
    await page.goto(url);
    await page.getByLabel('State').selectOption('failed');
    if (!javaScript) await page.getByRole('button', { name: 'Filter' }).click();
    await page.waitForURL(/state=failed/);
    await page.locator('#count', { hasText: '1 of 5000' }).waitFor();
    expect(await names(page)).toEqual(['broken']);

    await page.goto(`${url}/?verdict=adopt&text=images+team-3`);
    const matching = Array.from({ length: 4996 }, (_, n) => n).filter((n) => n % 2 === 1 && n % 3 === 0 && n % 7 === 3).length;
    expect(await count(page)).toMatch(new RegExp(`^${matching} of 5000 experiments`));
    await page.getByRole('link', { name: 'Duration' }).click();
    await page.waitForURL(/sort=duration/);
    await page.locator('th[aria-sort=descending]', { hasText: 'Duration' }).waitFor();
    await page.getByRole('link', { name: 'Duration' }).click();
    await page.locator('th[aria-sort=ascending]', { hasText: 'Duration' }).waitFor();
    await page.getByRole('link', { name: 'Started' }).click();
    await page.locator('th[aria-sort=descending]', { hasText: 'Started' }).waitFor();
    await page.getByRole('link', { name: 'Started' }).click();
    await page.waitForURL(/order=asc/);
    // Who filters on keeps the order.
    await page.getByLabel('Text').fill('images team-3 0f');
    if (!javaScript) await page.getByRole('button', { name: 'Filter' }).click();
    await page.waitForURL(/0f/);
    expect(address(page)).toContain('order=asc');
    await page.goBack();
    expect(address(page)).not.toContain('0f');
    expect(wrong).toEqual([]);
    await context.close();
  }
}, 60_000);

test('the list filters as one types, says how many are left, and keeps the focus', async () => {
  const { page, context, wrong } = await openPage(browser);
  await page.goto(url);
  await page.getByLabel('Text').pressSequentially('broken');
  await page.waitForURL(/text=broken/);
  await page.locator('#said', { hasText: '1 of 5000 experiments' }).waitFor({ state: 'attached' });
  expect(await page.evaluate('document.activeElement.name')).toBe('text');
  await page.getByLabel('Text').fill('nothing of that name');
  await page.getByText('No experiment fits these filters.').waitFor();
  await page.getByRole('link', { name: 'show all' }).click();
  await page.locator('#count', { hasText: '5000 experiments, 1 to 100' }).waitFor();
  expect(await page.getByLabel('Text').inputValue()).toBe('');
  expect(wrong).toEqual([]);
  await context.close();
}, 30_000);

test('by keyboard alone one sorts, goes from name to name, opens the report, and comes back', async () => {
  const { page, context, wrong } = await openPage(browser);
  await page.goto(`${url}/?text=digits-20261121`);
  const active = (): Promise<string> => page.evaluate('document.activeElement.textContent.trim()');
  const tabTo = async (text: RegExp): Promise<void> => {
    for (let steps = 0; steps < 60; steps++) {
      await page.keyboard.press('Tab');
      if (text.test(await active())) return;
    }
    throw new Error(`no Tab leads to ${text}`);
  };
  await page.keyboard.press('Tab');
  expect(await active()).toBe('Skip to the content');
  await tabTo(/^Name$/);
  await page.keyboard.press('Enter');
  await page.locator('th[aria-sort=ascending]', { hasText: 'Name' }).waitFor();
  expect(await active()).toMatch(/^Name/);
  await tabTo(/^digits$/);
  await tabTo(/^Report$/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/report$/);
  expect(await page.title()).toContain('digits');
  await page.goBack();
  await page.waitForURL(/sort=name/);

  await page.goto(`${url}/?text=images`);
  await page.locator('#results tbody th a').first().focus();
  const ids = await page.locator('#results tbody th .sub').allTextContents();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowUp');
  expect(await page.evaluate('document.activeElement.parentElement.querySelector(".sub").textContent')).toBe(ids[1]);
  expect(wrong).toEqual([]);
  await context.close();
}, 30_000);

test('what users wrote is shown as text', async () => {
  const { page, context, wrong } = await openPage(browser);
  await page.goto(`${url}/?text=${encodeURIComponent('onerror')}`);
  expect((await names(page)).sort()).toEqual([evil, 'broken'].sort());
  expect(await page.locator('main').innerText()).toContain(`TrainerFailed: ${evil}`);
  expect(await page.locator('main img').count()).toBe(0);
  expect(await page.getByLabel('Text').inputValue()).toBe('onerror');
  expect(wrong).toEqual([]);
  await context.close();
});

test('two tabs show what another began, at which stage it is, and its end, without being loaded again', async () => {
  const first = await openPage(browser);
  const second = await openPage(browser, { context: first.context });
  for (const { page } of [first, second]) await page.goto(`${url}/?state=open`);
  const record = recordOf('newcomer', 5003, {
    status: 'running',
    finishedAt: null,
    result: null,
    report: null,
    verdict: null,
    effect: null,
  });
  const name = refNames.experiment(record.experimentId);
  const version = await store.refs.set(name, record, null);
  for (const { page } of [first, second]) {
    await page.bringToFront();
    await page.getByRole('link', { name: 'newcomer', exact: true }).waitFor();
  }
  await store.refs.set(name, { ...record, status: 'done', finishedAt: new Date().toISOString() }, version);
  for (const { page, wrong } of [first, second]) {
    await page.bringToFront();
    await page.locator('#count', { hasText: '1 of 5001' }).waitFor();
    expect(await names(page)).toEqual(['live']);
    expect(wrong).toEqual([]);
  }
  await first.context.close();
}, 60_000);

test('one that has no record yet is listed from the Temporal server', async () => {
  const id = 'early-20261122-000000-abcd';
  const { page, context, wrong } = await openPage(browser);
  await page.goto(`${url}/?text=early`);
  const start = { workflowId: ids.experimentWorkflow(id), taskQueue: queues.control, args: [] };
  const handle = await server.client.workflow.start('experiment', start);
  const row = page.locator('tr', { hasText: id });
  await row.waitFor();
  expect(await row.innerText()).toContain('registering');
  await handle.terminate('the test has seen it');
  await row.waitFor({ state: 'detached' });
  expect(wrong).toEqual([]);
  await context.close();
}, 30_000);

test.each(looks)(
  'no violation of accessibility at $width px, dark: $dark',
  async (look) => {
    const { page, context, wrong } = await openPage(browser, look);
    for (const path of look.dark ? ['/?text=onerror', '/?text=nothing+fits'] : ['/']) {
      await page.goto(url + path);
      expect(await violations(page)).toEqual([]);
      expect(await sticksOut(page)).toBe(false);
    }
    expect(wrong).toEqual([]);
    await context.close();
  },
  60_000,
);

test('an empty store tells how to start the first experiment, also while no Temporal server answers', async () => {
  const empty = apiHome();
  try {
    const { page, context, wrong } = await openPage(browser);
    const served = await empty.start();
    await page.goto(served.url);
    // The page asks again by itself.
    await page.getByText('The Temporal server does not answer').waitFor();
    expect(await page.locator('main').innerText()).toContain('assay run experiment.yaml');
    expect(await violations(page)).toEqual([]);
    expect(wrong).toEqual([]);
    await context.close();
  } finally {
    await empty.stop();
  }
}, 30_000);
