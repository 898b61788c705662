// Proves in a real Chromium who gets in and what they are offered: sign-in, scopes, forged requests, restarts, and problems told as pages.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Browser } from 'playwright-core';
import { seriesSummary } from '../../src/analysis/series';
import { openSession, sealSession } from '../../src/api/session';
import { ownAddress } from '../../src/api/routes/pages/signIn';
import { readTokens, revokeToken, TokenBook } from '../../src/api/tokens';
import { createSchedule, describeSchedule } from '../../src/client';
import { openStore, type Store } from '../../src/store';
import { nightly, opened } from '../activities/seriesFixture';
import { apiHome, ask, expectProblem, type Home } from '../api/support';
import { launchBrowser } from '../browser';
import { startServer, stopServer } from '../client/environment';
import { looks, openPage, sticksOut, violations } from './support';

let server: TestWorkflowEnvironment;
let browser: Browser;
let home: Home;
let store: Store;
let url: string;
let look: string;
let run: string;

beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), launchBrowser()]);
  home = apiHome();
  store = openStore(pathToFileURL(join(home.dir, 'store')).href);
  const record = nightly(3);
  await opened(store, record);
  await createSchedule(server.client, { name: 'nightly', timing: record.timing, about: 'digits', series: seriesSummary(record) });
  look = await home.token('looker', ['read']);
  run = await home.token('runner', ['run']);
  ({ url } = await home.start({ client: server.client, store }));
}, 60_000);

afterAll(async () => {
  await home.stop();
  await browser.close();
  await stopServer(server);
});

const html = { accept: 'text/html' };
/** The cookie of a session, as a browser would send it. */
async function cookieOf(token: string): Promise<string> {
  const answer = await fetch(`${url}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: { ...html, origin: url, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ token, to: '/' }).toString(),
  });
  expect(answer.status).toBe(303);
  return answer.headers.get('set-cookie') ?? '';
}

test('who is not known is asked for a token, gets where they wanted to go, and is known until they sign out', async () => {
  const { page, context, wrong } = await openPage(browser);
  await page.goto(`${url}/schedules?done=pause`);
  expect(page.url()).toBe(`${url}/sign-in?to=${encodeURIComponent('/schedules?done=pause')}`);
  await page.getByLabel('Token').fill('assay_wrong');
  await page.keyboard.press('Enter');
  expect(await page.getByRole('alert').innerText()).toContain('unknown, revoked or expired');
  // The console says that the answer was a 401.
  expect(wrong.splice(0)).toEqual([expect.stringContaining('401')]);
  await page.getByLabel('Token').fill(look);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${url}/schedules?done=pause`);
  expect(await page.getByRole('banner').innerText()).toContain('looker');
  // It may look, and is offered no more.
  expect(await page.getByRole('button').allInnerTexts()).toEqual(['Sign out']);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL(`${url}/sign-in`);
  await page.goto(`${url}/gpus`);
  expect(page.url()).toContain('/sign-in?to=');
  expect(wrong).toEqual([]);
  await context.close();
}, 30_000);

test('a scope that may run is offered the buttons, and they act in its name', async () => {
  const { page, context, wrong } = await openPage(browser, { javaScript: false });
  await page.goto(`${url}/sign-in?to=/schedules`);
  await page.getByLabel('Token').fill(run);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Pause nightly' }).click();
  await page.getByText('nightly is paused').waitFor();
  expect((await describeSchedule(server.client, 'nightly'))?.state.note).toBe('paused by runner');
  expect(wrong).toEqual([]);
  await context.close();
}, 30_000);

test('the cookie is strict, unreadable to scripts, holds no token, and outlives the server', async () => {
  const cookie = await cookieOf(run);
  expect(cookie).toMatch(/^assay_session=[^;]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
  expect(cookie).not.toContain(run.slice(8, 20));
  expect(Buffer.from(cookie.split('.')[3]?.split(';')[0] ?? '', 'base64url').toString('latin1')).not.toContain(run.slice(8, 20));
  const other = await home.start({ client: server.client, store });
  expect((await ask(`${other.url}/v1/gpus`, { headers: { cookie } })).status).toBe(200);
  const behindTls = await fetch(`${url}/sign-out`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: url, 'x-forwarded-proto': 'https' },
  });
  expect(behindTls.headers.get('set-cookie')).toMatch(/Secure/);
});

test('a session ends with its time and with its token, and a changed one is none', async () => {
  const secret = await home.token('guest', ['read']);
  const book = new TokenBook(home.tokens);
  const token = (await readTokens(home.tokens))?.find(({ name }) => name === 'guest');
  if (token === undefined) throw new Error('no token');
  const sealed = sealSession(token, secret);
  expect(await openSession(book, sealed)).toBe(secret);
  expect(await openSession(book, sealed, Date.now() + 13 * 3600_000)).toBeNull();
  const [form, expires, name, body = ''] = sealed.split('.');
  const tampered = [
    `${form}.${Number(expires) + 1}.${name}.${body}`,
    `${form}.${expires}.${Buffer.from('runner').toString('base64url')}.${body}`,
    `${form}.${expires}.${name}.${body.slice(0, -2)}AA`,
    `${form}.${expires}.${name}.`,
    'v1...',
    '',
  ];
  for (const value of tampered) expect(await openSession(book, value)).toBeNull();
  await revokeToken(home.tokens, 'guest');
  expect(await openSession(book, sealed)).toBeNull();
  const gone = await fetch(url, { redirect: 'manual', headers: { ...html, cookie: `assay_session=${sealed}` } });
  expect([gone.status, gone.headers.get('location'), gone.headers.get('set-cookie')]).toEqual([
    303,
    '/sign-in?to=%2F',
    expect.stringContaining('assay_session=;'),
  ]);
});

test('what changes something is taken from a page of this server alone; a bearer token needs no page', async () => {
  const cookie = (await cookieOf(run)).split(';')[0] ?? '';
  const trigger = async (headers: Record<string, string>) =>
    (await ask(`${url}/v1/schedules/nightly/trigger`, { method: 'POST', headers })).status;
  expect(await trigger({ cookie })).toBe(401);
  expect(await trigger({ cookie, origin: 'http://evil.example' })).toBe(401);
  expect(await trigger({ cookie, origin: url, 'sec-fetch-site': 'cross-site' })).toBe(401);
  expect(await trigger({ cookie, origin: 'null', 'sec-fetch-site': 'same-site' })).toBe(401);
  expect(await trigger({ cookie, 'sec-fetch-site': 'same-origin' })).toBe(202);
  expect(await trigger({ cookie, origin: url })).toBe(202);
  expect(await trigger({ authorization: `Bearer ${run}` })).toBe(202);
  // Nobody is signed in or out by the form of another site.
  for (const path of ['/sign-in', '/sign-out'])
    expectProblem(
      await ask(url + path, { method: 'POST', headers: { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' } }),
      403,
    );
  // A cookie does not make up for a token that was sent and is wrong.
  expect(await trigger({ cookie, origin: url, authorization: 'Bearer assay_wrong' })).toBe(401);
});

test('sign-in leads to addresses of this server alone', () => {
  expect(ownAddress('/experiments/x?tab=1#curves')).toBe('/experiments/x?tab=1#curves');
  for (const to of [
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    'javascript:alert(1)',
    '',
    'x',
    '/..//evil.example',
  ])
    expect(ownAddress(to)).toMatch(/^\/(?:$|[^/\\])/);
});

test('a link of another site leads a known person to the page, not to the sign-in', async () => {
  const { page, context, wrong } = await openPage(browser);
  await page.goto(`${url}/sign-in`);
  await page.getByLabel('Token').fill(look);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${url}/`);
  // Another host's page: `localhost` and `127.0.0.1` are different sites to a browser.
  await page.route('http://other.example/', (route) =>
    route.fulfill({ contentType: 'text/html', body: `<a href="${url}/schedules">go</a>` }),
  );
  await page.goto('http://other.example/');
  await page.getByRole('link', { name: 'go' }).click();
  await page.getByRole('heading', { name: 'Schedules' }).waitFor();
  expect(page.url()).toBe(`${url}/schedules`);
  expect(wrong).toEqual([]);
  await context.close();
}, 30_000);

test('what goes wrong is told as a page to a browser, and as a problem document to a program', async () => {
  const cookie = (await cookieOf(look)).split(';')[0] ?? '';
  const page = await ask(`${url}/experiments/nothing-20261122-000000-abcd/report`, { headers: { ...html, cookie } });
  expect([page.status, page.headers.get('content-type')]).toEqual([404, 'text/html; charset=utf-8']);
  expect(page.body).toContain('no experiment &#34;nothing-20261122-000000-abcd&#34;');
  expect((await ask(`${url}/%3Cscript%3E`, { headers: { ...html, cookie } })).body).not.toContain('<script>');
  expectProblem(await ask(`${url}/series/none`, { token: look }), 404);
  const refused = await ask(`${url}/schedules/nightly/trigger`, { method: 'POST', headers: { ...html, cookie, origin: url } });
  expect([refused.status, refused.body]).toEqual([403, expect.stringContaining('Ask an administrator for a token')]);
  expectProblem(await ask(`${url}/v1/experiments`, { headers: html }), 401, 'unauthenticated');
  const away = await home.start({ store });
  const unavailable = await ask(`${away.url}/gpus`, { headers: { ...html, cookie } });
  expect([unavailable.status, unavailable.body]).toEqual([503, expect.stringContaining('assay doctor')]);
}, 30_000);

test.each(looks)(
  'no violation of accessibility at $width px, dark: $dark',
  async (view) => {
    const { page, context } = await openPage(browser, view);
    for (const path of ['/sign-in', '/sign-in?to=/gpus', '/nothing/here']) {
      await page.goto(url + path);
      expect([path, await violations(page)]).toEqual([path, []]);
      expect([path, await sticksOut(page)]).toEqual([path, false]);
    }
    await context.close();
  },
  60_000,
);
