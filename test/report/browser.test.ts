// Proves in a real Chromium: texts of users are text on every page, marks say their values to pointer and keyboard, and the printed page is whole.
import type { Browser, Page } from 'playwright-core';
import type { Result } from '../../src/contract';
import { compareResults, renderAgainst, renderReport, renderSeries } from '../../src/report';
import { nightly } from '../activities/seriesFixture';
import { launchBrowser } from '../browser';
import { makeLatencies, makeResult } from './fixture';
import { later } from './fixtureAgainst';
import { evil, hostile } from './hostile';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
}, 60_000);
afterAll(() => browser.close());

const report = (): Promise<string> => renderReport(makeResult(), { latency: makeLatencies(makeResult()) });

async function opened(html: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const page = await browser.newPage(options);
  await page.setContent(html);
  return page;
}

/** How often each kind of element stands outside of drawings, and which kinds stand inside. */
const elements = (page: Page): Promise<{ outside: Record<string, number>; inside: string[] }> =>
  page.evaluate(`(() => {
    const outside = {};
    const inside = new Set();
    for (const element of document.querySelectorAll('*')) {
      if (element.closest('svg') === null) outside[element.localName] = (outside[element.localName] ?? 0) + 1;
      else inside.add(element.localName);
    }
    return { outside, inside: [...inside].sort() };
  })()`);

const series = nightly(12);
const side = (result: Result): { result: Result; spec: unknown } => ({ result, spec: { name: result.name, notes: result.hypothesis } });
const kinds: [string, (change: <T>(value: T) => T) => Promise<string>][] = [
  ['a report', (change) => renderReport(change(makeResult()), { latency: change(makeLatencies(makeResult())) })],
  ['a series', (change) => renderSeries(change(series), change('open'))],
  [
    'two experiments against each other',
    (change) => Promise.resolve(renderAgainst(compareResults(side(change(later())), side(change(makeResult())), { sharedTestRows: 3 }))),
  ],
];

test.each(kinds)(
  'whatever a user, a trainer or a log wrote is text in %s: no element more than without it, and nothing runs',
  async (_what, render) => {
    // The policy would stop a script that got in: it may not help here.
    const [plain, attacked] = await Promise.all([
      opened(await render((value) => value)),
      opened(await render(hostile), { bypassCSP: true }),
    ]);
    try {
      expect(await elements(attacked)).toEqual(await elements(plain));
      expect(await attacked.evaluate('window.hit')).toBeUndefined();
      expect(await attacked.locator('[onerror], [onload], [src]:not([src^="data:image/"])').count()).toBe(0);
      expect(await attacked.evaluate('document.body.textContent')).toContain(evil);
    } finally {
      await Promise.all([plain.close(), attacked.close()]);
    }
  },
  60_000,
);

test('a mark says its value beside the pointer, to the arrow keys too, and Escape takes it away', async () => {
  const page = await opened(await report());
  const refused: string[] = [];
  page.on('console', (message) => message.type() === 'error' && refused.push(message.text()));
  try {
    const tip = page.locator('.tip');
    const forest = page.locator('#differences svg').first();
    await expect(tip.isVisible()).resolves.toBe(false);
    await forest.locator('[data-tip^="mlp"]').hover({ force: true });
    expect(await tip.textContent()).toMatch(/^mlp: \+2\.14 pp, 95 % interval \[\+0\.77, \+3\.51\] pp, n = 359$/);
    await page.mouse.move(0, 0);
    expect(await tip.isVisible()).toBe(false);

    await page.locator('#differences > .scroll').focus();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Shift+Tab');
    const said: (string | null)[] = [await tip.textContent()];
    for (const key of ['ArrowRight', 'ArrowLeft']) {
      await page.keyboard.press(key);
      said.push(await tip.textContent());
    }
    expect(said[0]).not.toBe(said[1]);
    expect(said[2]).toBe(said[0]);
    expect(await tip.isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    expect(await tip.isVisible()).toBe(false);
    expect(refused).toEqual([]);
  } finally {
    await page.close();
  }
}, 60_000);

test('the drawings of a table are one stop of the keyboard, and every mark has words', async () => {
  const page = await opened(await report());
  try {
    const stops = await page.evaluate(
      `[...document.querySelectorAll('table')].map((table) => table.querySelectorAll('svg[tabindex]').length).filter((count) => count > 1)`,
    );
    expect(stops).toEqual([]);
    expect(await page.locator('[data-tip=""]').count()).toBe(0);
    expect(
      await page
        .locator('svg.chart')
        .evaluateAll((charts) =>
          charts.filter((chart) => !chart.querySelector('[data-tip]')).map((chart) => chart.querySelector('title')?.textContent),
        ),
    ).toEqual([]);
  } finally {
    await page.close();
  }
}, 60_000);

test('without scripts nothing is missing: the same text, tables that unfold, and no stop that does nothing', async () => {
  const html = await report();
  const [without, page] = await Promise.all([opened(html, { javaScriptEnabled: false }), opened(html)]);
  try {
    const words = (of: Page): Promise<string | null> => of.locator('main').textContent();
    expect(await words(without)).toBe(await words(page));
    expect(await without.locator('svg[tabindex], .tip').count()).toBe(0);
    const data = without.locator('#differences details').first();
    await data.locator('summary').click();
    expect(await data.locator('table').isVisible()).toBe(true);
  } finally {
    await Promise.all([without.close(), page.close()]);
  }
}, 60_000);

test('the printed page is light, unfolds everything also without a script, and cuts no table', async () => {
  const page = await opened(await report(), { colorScheme: 'dark', javaScriptEnabled: false, viewport: { width: 718, height: 1000 } });
  try {
    await page.emulateMedia({ media: 'print' });
    const found: { tables: number } = await page.evaluate(`(() => {
      const right = document.querySelector('main')?.getBoundingClientRect().right ?? 0;
      const tables = [...document.querySelectorAll('table')];
      return {
        paper: getComputedStyle(document.documentElement).getPropertyValue('--paper'),
        tables: tables.length,
        hidden: tables
          .filter((table) => !table.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true }))
          .map((table) => table.caption?.textContent),
        cut: tables.filter((table) => table.getBoundingClientRect().right > right + 1).map((table) => table.caption?.textContent),
        navigation: document.querySelector('nav')?.checkVisibility(),
      };
    })()`);
    expect(found).toMatchObject({ paper: '#fff', hidden: [], cut: [], navigation: false });
    expect(found.tables).toBeGreaterThan(20);
  } finally {
    await page.close();
  }
}, 60_000);
