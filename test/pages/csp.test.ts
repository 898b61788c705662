// Proves in a real Chromium what pages may load and do: their own files alone, nothing written into them, and reports nothing but themselves.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { mediaTypes, refNames, type ExperimentRecord } from '../../src/contract';
import { pageAssets } from '../../src/pages';
import { openStore, type Store } from '../../src/store';
import { nightly, opened } from '../activities/seriesFixture';
import { apiHome, expectProblem, ask, type Home } from '../api/support';
import { launchBrowser } from '../browser';
import { openPage, putEnded } from './support';

let browser: Browser;
let home: Home;
let store: Store;
let url: string;
let ended: ExperimentRecord;

beforeAll(async () => {
  browser = await launchBrowser();
  home = apiHome();
  store = openStore(pathToFileURL(join(home.dir, 'store')).href);
  ended = await putEnded(store);
  await opened(store, nightly(3));
  ({ url } = await home.start({ store }));
}, 60_000);

afterAll(async () => {
  await home.stop();
  await browser.close();
});

const paths = ['/', '/series', '/series/nightly', '/schedules', '/sign-in', '/nothing'];

test('no page has a script, a style or a handler within it, and all name the policy', async () => {
  for (const path of paths) {
    const { headers, body } = await ask(url + path, { headers: { accept: 'text/html' } });
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    expect(headers.get('cache-control')).toBe('private, no-cache');
    expect(body).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=/i);
  }
}, 30_000);

test('what is injected into a page is not run', async () => {
  const { page, context, wrong } = await openPage(browser);
  await page.goto(url);
  await page.evaluate(
    `document.body.append(Object.assign(document.createElement('script'), { textContent: 'globalThis.injected = true' }))`,
  );
  await page.evaluate(`document.body.insertAdjacentHTML('beforeend', '<img src="x" onerror="globalThis.injected = true">')`);
  await page.evaluate(`fetch('http://other.example/').catch(() => undefined)`);
  expect(await page.evaluate('globalThis.injected')).toBeUndefined();
  expect(wrong).toEqual(expect.arrayContaining([expect.stringContaining('script-src'), expect.stringContaining('connect-src')]));
  await context.close();
}, 30_000);

test('a file of the pages is kept under the address that names its digest, and asked for again under any other', async () => {
  for (const [name, { digest, body }] of pageAssets()) {
    const get = (query: string, headers: Record<string, string> = {}) => fetch(`${url}/assets/${name}${query}`, { headers });
    const named = await get(`?v=${digest}`);
    expect([named.status, named.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
    expect(Buffer.from(await named.arrayBuffer())).toEqual(body);
    const plain = await get('?v=0123456789abcdef');
    expect(plain.headers.get('cache-control')).toBe('no-cache');
    expect((await get('', { 'if-none-match': `W/${plain.headers.get('etag')}` })).status).toBe(304);
  }
  expectProblem(await ask(`${url}/assets/tsconfig.json`), 404);
  expectProblem(await ask(`${url}/assets/..%2Fshell.ts`), 404);
});

test('a report looks as it does and reaches nothing, whatever it is made of', async () => {
  const { page, context, wrong } = await openPage(browser);
  await page.goto(`${url}/experiments/${ended.experimentId}/report`);
  expect(await page.evaluate(`getComputedStyle(document.querySelector('h1')).fontWeight`)).toBe('650');
  expect(await page.evaluate('origin')).toBe('null');
  expect(wrong).toEqual([]);

  const evil = `<!doctype html><title>x</title><h1>evil</h1><script>fetch('/v1/experiments').then(() => (document.title = 'reached'), () => (document.title = 'refused'))</script>`;
  const report = await store.put(Buffer.from(evil), mediaTypes.html);
  // Another one: what was read of a record that has ended is kept for a while.
  const other = `${ended.experimentId}0`;
  const record = (await store.refs.get<ExperimentRecord>(refNames.experiment(ended.experimentId)))?.value;
  await store.refs.set(refNames.experiment(other), { ...record, experimentId: other, report }, null);
  await page.goto(`${url}/experiments/${other}/report`);
  await page.waitForFunction(`document.title !== 'x'`);
  expect(await page.title()).toBe('refused');
  await context.close();
}, 30_000);
