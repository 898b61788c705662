// Proves the pages of series, schedules and devices in a real Chromium, over a real server, a real pool workflow's answers and a real store.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Browser } from 'playwright-core';
import { seriesSummary } from '../../src/analysis/series';
import { createSchedule, describeSchedule, triggerSchedule } from '../../src/client';
import type { DeviceHealth, PoolState, SeriesRecord } from '../../src/contract';
import { nobody, pageDocument, pagePolicy, poolBody, schedulesBody } from '../../src/pages';
import { openStore, type Store } from '../../src/store';
import { nightly, opened, seriesOf } from '../activities/seriesFixture';
import { apiHome, type Home } from '../api/support';
import { launchBrowser } from '../browser';
import { startServer, stopServer } from '../client/environment';
import { looks, openPage, sticksOut, violations } from './support';

let server: TestWorkflowEnvironment;
let browser: Browser;
let home: Home;
let store: Store;
let url: string;
const evil = '<script>console.error("injected")</script> & "until"';
const record = nightly(12);

beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
  home = apiHome();
  store = openStore(pathToFileURL(join(home.dir, 'store')).href);
  await opened(store, { ...record, hypothesis: evil, failures: [{ ...failure, message: evil }] });
  await opened(store, { ...seriesOf(), name: 'fresh' });
  await opened(store, { ...nightly(4), name: 'over', state: 'decided' });
  for (const [name, series] of [
    ['nightly', record],
    ['over', { ...record, name: 'over' }],
  ] as const)
    await createSchedule(server.client, {
      ...{ name, timing: record.timing, about: 'digits', series: seriesSummary(series) },
      state: { paused: true, note: evil },
    });
  ({ url } = await home.start({ client: server.client, store, uiUrl: 'http://ui.example' }));
  // The first questions to a schedule that was just made can take longer than a page waits for them, where the machine is busy.
  for (const name of ['nightly', 'over']) while ((await describeSchedule(server.client, name)) === null) await sleep(100);
}, 60_000);

afterAll(async () => {
  await home.stop();
  await browser.close();
  await stopServer(server);
});

const failure = { experimentId: 'digits-20261120-020000-dead', when: '2026-11-20T02:00:00.000Z', status: 'failed' } as const;

test('a schedule says when it runs, why it is paused, and what its last runs said', async () => {
  const { page, context, wrong } = await openPage(browser);
  await page.goto(`${url}/schedules`);
  const card = page.getByRole('region', { name: 'nightly', exact: true });
  const text = await card.innerText();
  expect(text).toContain('paused');
  expect(text).toContain(evil);
  expect(text).toContain('cron 0 2 * * *');
  expect(text).toContain('not while it is paused');
  expect(await card.getByRole('link', { name: 'Temporal UI' }).getAttribute('href')).toMatch(
    /^http:\/\/ui\.example\/namespaces\/default\/schedules\/assay%2Fseries%2Fnightly$/,
  );
  expect(await page.getByRole('region', { name: 'fresh', exact: true }).innerText()).toContain('assay schedule apply');
  expect(await page.getByRole('region', { name: 'over', exact: true }).innerText()).toContain('It has ended');
  expect(wrong).toEqual([]);
  await context.close();
}, 30_000);

test('its buttons let it go on, pause it with a word, and run it now; without a script as well', async () => {
  for (const javaScript of [false, true]) {
    const { page, context, wrong } = await openPage(browser, { javaScript });
    const card = page.getByRole('region', { name: 'nightly', exact: true });
    const button = (name: RegExp) => card.getByRole('button', { name });
    await page.goto(`${url}/schedules`);
    await button(/Go on/).click();
    await page.getByText('nightly goes on.').waitFor();
    expect((await describeSchedule(server.client, 'nightly'))?.state).toMatchObject({ paused: false, note: 'resumed by loopback' });
    await card.getByRole('textbox').fill(evil);
    await button(/Pause/).click();
    await page.getByText('nightly is paused').waitFor();
    expect((await describeSchedule(server.client, 'nightly'))?.state).toMatchObject({ paused: true, note: `${evil} (loopback)` });
    const before = (await describeSchedule(server.client, 'nightly'))?.info.numActionsTaken ?? 0;
    await button(/Run now/).click();
    await page.getByText('nightly was asked to run now.').waitFor();
    expect(before).toBe(javaScript ? 1 : 0);
    while ((await describeSchedule(server.client, 'nightly'))?.info.numActionsTaken === before) await page.reload();
    expect(wrong).toEqual([]);
    await context.close();
  }
}, 60_000);

test('what has ended goes on at nobody’s word, and what is not there is said to be missing', async () => {
  const { page, context } = await openPage(browser);
  await page.goto(`${url}/schedules`);
  const post = (path: string) =>
    page.evaluate(async (to) => (await fetch(to, { method: 'POST', headers: { accept: 'text/html' } })).status, path);
  expect(await post('/schedules/over/resume')).toBe(409);
  expect(await post('/schedules/none/trigger')).toBe(404);
  await expect(triggerSchedule(server.client, 'none')).rejects.toThrow('no schedule "none"');
  await context.close();
}, 30_000);

test('a series shows its effect over time, and leads to its experiments and its schedule', async () => {
  const { page, context, wrong } = await openPage(browser);
  await page.goto(`${url}/series`);
  expect(await page.locator('tbody th').allInnerTexts()).toEqual(['fresh', 'nightly', 'over']);
  await page.getByRole('link', { name: 'nightly' }).click();
  await page.waitForURL(/\/series\/nightly$/);
  expect(await page.locator('h1').innerText()).toContain('open after 13 runs');
  expect(await page.getByRole('img', { name: /over time/ }).count()).toBe(1);
  expect(await page.locator('.hypothesis').innerText()).toContain(evil);
  const last = record.looks.at(-1)?.experimentId ?? '';
  expect(await page.getByRole('link', { name: last }).first().getAttribute('href')).toBe(`/experiments/${last}`);
  await page.getByRole('link', { name: 'its schedule' }).click();
  await page.waitForURL(/\/schedules#schedule-nightly$/);
  expect(wrong).toEqual([]);
  await context.close();
}, 30_000);

test('without a host the page of devices tells how one comes', async () => {
  const { page, context, wrong } = await openPage(browser);
  await page.goto(`${url}/gpus`);
  expect(await page.locator('main').innerText()).toContain('No host has reported yet');
  expect(wrong).toEqual([]);
  await context.close();
}, 30_000);

test('a server that does not answer leaves what the record knows', () => {
  const row = (series: SeriesRecord) => ({ record: series, timing: 'daily', schedule: 'unknown' as const, ui: null });
  const said = (series: SeriesRecord) => schedulesBody({ rows: [row(series)], viewer: nobody, done: null }).toString();
  expect(said(record)).toContain('not known: the Temporal server does not answer');
  expect(said({ ...record, state: 'decided' })).toContain('never: the series has ended');
});

/** As the pool answers it: a device in use, a broken one, and a run that waits. */
const pool = (now: number): PoolState => {
  const since = new Date(now - 400_000).toISOString();
  const healthy: DeviceHealth = { state: 'healthy', reasons: [] };
  const device = {
    uuid: 'GPU-1',
    model: 'H100',
    memoryBytes: 80 * 2 ** 30,
    driver: '550',
    parent: null,
    sharing: 'none',
    health: healthy,
  } as const;
  const request = { requestId: 'r', holder: 'h', experimentId: failure.experimentId, label: evil, owner: evil, qos: 'standard' } as const;
  const lease = { leaseId: 'l', requestId: 'q', holder: 'i', host: 'gpu-a', model: 'H100', exclusiveHost: false } as const;
  return {
    hosts: [
      {
        ...{ host: 'gpu-a', places: 4, used: 1, absent: null, drained: true, reporting: false, lastReport: since },
        devices: [
          { ...device, leases: [{ leaseId: 'l', label: 'cnn seed 3', memoryBytes: null }] },
          { ...device, uuid: 'GPU-2', health: { state: 'faulty', reasons: ['XID 79: the device has fallen off the bus'] }, leases: [] },
        ],
      },
    ],
    leases: [
      {
        lease: { ...lease, devices: [{ uuid: 'GPU-1', memoryBytes: null, sharing: 'whole' }] },
        label: 'cnn seed 3',
        owner: null,
        qos: 'standard',
        since,
        yielding: true,
      },
    ],
    waiting: [
      {
        request: {
          ...request,
          gpus: 2,
          gpuMemoryBytes: 2 ** 34,
          exclusiveHost: false,
          experimentGpus: null,
          avoid: { hosts: [], devices: [] },
        },
        ...{ since, why: 'waits for 2 free devices of H100: gpu-a is drained' },
      },
    ],
    ...{ moreWaiting: 7, quotas: [{ owner: 'team-a', limit: 2, used: 1 }], weights: [{ owner: 'team-b', weight: 3 }] },
  };
};

test.each(looks)(
  'devices, leases and who waits are told with their why, at $width px, dark: $dark',
  async (look) => {
    const { page, context, wrong } = await openPage(browser, look);
    const body = poolBody(pool(Date.now()), Date.now());
    const text = pageDocument({ title: 'GPUs', current: 'gpus', viewer: nobody, body });
    await page.route('**/gpus', (route) =>
      route.fulfill({ contentType: 'text/html', headers: { 'content-security-policy': pagePolicy }, body: text }),
    );
    await page.goto(`${url}/gpus`);
    const said = await page.locator('main').innerText();
    for (const part of [
      'silent for 6 min',
      'drained',
      'XID 79',
      'free',
      evil,
      '2 devices with 16.0 GiB',
      'gpu-a is drained',
      '7 more wait',
      'to yield',
      '1 of 2',
    ])
      expect(said).toContain(part);
    expect(await violations(page)).toEqual([]);
    expect(await sticksOut(page)).toBe(false);
    expect(wrong).toEqual([]);
    await context.close();
  },
  30_000,
);

test.each(looks)(
  'no violation of accessibility at $width px, dark: $dark',
  async (look) => {
    const { page, context, wrong } = await openPage(browser, look);
    for (const path of ['/schedules', '/series', '/series/nightly', '/series/fresh', '/gpus']) {
      await page.goto(url + path);
      expect([path, await violations(page)]).toEqual([path, []]);
      expect([path, await sticksOut(page)]).toEqual([path, false]);
    }
    expect(wrong).toEqual([]);
    await context.close();
  },
  60_000,
);
