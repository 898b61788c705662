// Proves what the API tells of a series with looks and of its schedule, over a real server and a real store.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { seriesSummary } from '../../src/analysis/series';
import { createSchedule, describeSchedule } from '../../src/client';
import { nightly, opened, seriesOf } from '../activities/seriesFixture';
import { startServer, stopServer } from '../client/environment';
import { until } from '../e2e/cluster';
import { openStore } from '../../src/store';
import { apiHome, ask, expectProblem, type Home, post } from './support';

let server: TestWorkflowEnvironment;
let home: Home;
let url: string;
const record = nightly(12);
const sentence = 'open after 13 runs';

beforeAll(async () => {
  server = await startServer();
  home = apiHome();
  const store = openStore(pathToFileURL(join(home.dir, 'store')).href);
  await opened(store, record);
  await opened(store, { ...seriesOf(), name: 'fresh' });
  await createSchedule(server.client, {
    name: 'nightly',
    timing: { ...record.timing, timezone: 'Europe/Berlin' },
    about: 'digits',
    series: seriesSummary(record),
    state: { paused: true, note: 'until the data are back' },
  });
  ({ url } = await home.start({ client: server.client, store }));
}, 60_000);

afterAll(async () => {
  await home.stop();
  await stopServer(server);
});

test('series are listed by name with where they stand', async () => {
  expect((await ask(`${url}/v1/series`)).body).toEqual({
    series: [
      { name: 'fresh', state: 'running', sentence: 'no run yet', looks: 0, runs: 0, href: '/v1/series/fresh' },
      { name: 'nightly', state: 'running', sentence, looks: 12, runs: 13, href: '/v1/series/nightly' },
    ],
  });
});

test('one is given whole, each look, alert and failure as it was recorded', async () => {
  expect(await ask(`${url}/v1/series/nightly`)).toMatchObject({ status: 200, body: JSON.parse(JSON.stringify(record)) });
  expectProblem(await ask(`${url}/v1/series/other`), 404);
});

test('its page comes as the Accept header asks, and can do nothing in a browser', async () => {
  const report = (accept?: string) => ask(`${url}/v1/series/nightly/report`, accept === undefined ? {} : { headers: { accept } });
  const page = await report();
  expect(page).toMatchObject({ status: 200, body: expect.stringContaining(`against logistic: ${sentence}</h1>`) });
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; .*sandbox$/);
  expect(page.body).toContain('The verdict turned from inconclusive to adopt');
  expect([...(page.body as string).matchAll(/<th scope="row">\d+<\/th>/g)]).toHaveLength(12);
  expect((await report('application/json')).body).toEqual((await ask(`${url}/v1/series/nightly`)).body);
  expectProblem(await report('image/png'), 406, 'not-acceptable');
  expectProblem(await ask(`${url}/v1/series/other/report`), 404);
  expect((await ask(`${url}/v1/series/fresh/report`)).body).toContain('no run yet');
});

test('a schedule tells its next times and why it is paused; a series without one is named with the mend', async () => {
  const expected = {
    ...{ name: 'nightly', paused: true, note: 'until the data are back', recent: [], running: [], series: '/v1/series/nightly' },
    next: expect.arrayContaining([expect.stringMatching(/T0[01]:00:00\.000Z$/)]),
  };
  expect((await ask(`${url}/v1/schedules`)).body).toEqual({ schedules: [expected] });
  expect((await ask(`${url}/v1/schedules/nightly`)).body).toEqual(expected);
  const none = await ask(`${url}/v1/schedules/fresh`);
  expectProblem(none, 404);
  expect(none.body.detail).toContain('assay schedule apply fresh FILE');
});

test('a trigger asks for a run now, with the overlap policy that it names', async () => {
  const asked = await post(`${url}/v1/schedules/nightly/trigger`, { overlap: 'allow-all' });
  expect(asked).toMatchObject({ status: 202, body: { schedule: 'nightly', by: 'loopback' } });
  expectProblem(await post(`${url}/v1/schedules/nightly/trigger`, { overlap: 'never' }), 422);
  const recent = async () => (await ask(`${url}/v1/schedules/nightly`)).body.recent;
  await until(async () => (await recent()).length === 1, 15_000);
  expect(await recent()).toMatchObject([{ workflowId: expect.stringMatching(/^assay\/series\/nightly\/at-/) }]);
  expect((await describeSchedule(server.client, 'nightly'))?.info.numActionsTaken).toBe(1);
}, 30_000);
