// Proves in a real Chromium: the pages have no violation of WCAG 2.2 AA that axe-core finds, at three widths, light and dark, and scroll in one direction only.
import { readFileSync } from 'node:fs';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { renderAgainst, renderReport, renderSeries } from '../../src/report';
import { nightly } from '../activities/seriesFixture';
import { launchBrowser } from '../browser';
import { againstFixture, withoutVerdict } from './fixtureAgainst';
import { makeLatencies, makeResult } from './fixture';

const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const widths = [360, 800, 1400];

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
}, 60_000);
afterAll(() => browser.close());

/** Every section and drawing, with fewer rows to look at. */
const small = (): ReturnType<typeof makeResult> => makeResult({ candidates: ['mlp'], points: 12 });

const pages: [string, () => Promise<string>][] = [
  ['a report', () => renderReport(small(), { latency: makeLatencies(small()) })],
  ['a report of runs that all failed', () => renderReport(withoutVerdict())],
  ['a series', () => renderSeries(nightly(12), 'adopt mlp, decided at look 12')],
  ['two experiments against each other', () => Promise.resolve(renderAgainst(againstFixture()))],
];

test.each(pages)(
  '%s is without violations, everything unfolded, and nowhere wider than the screen',
  async (_what, render) => {
    const page = await browser.newPage();
    try {
      await page.setContent(await render());
      await page.evaluate(`for (const part of document.querySelectorAll('details')) part.open = true`);
      await page.evaluate(axe);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        for (const width of widths) {
          await page.setViewportSize({ width, height: 900 });
          expect({ width, scrolls: await page.evaluate('document.documentElement.scrollWidth') }).toEqual({ width, scrolls: width });
          expect(await violations(page, colorScheme === 'light' ? { runOnly: tags } : { runOnly: ['color-contrast'] })).toEqual([]);
        }
      }
    } finally {
      await page.close();
    }
  },
  120_000,
);

/** The dark page has the structure of the light one: its colours alone are looked at. */
async function violations(page: Page, options: { runOnly: string[] }): Promise<string[]> {
  const found = (await page.evaluate(
    (given) =>
      (globalThis as unknown as { axe: { run(options: object): Promise<AxeResults> } }).axe.run({ ...given, resultTypes: ['violations'] }),
    options,
  )) as AxeResults;
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' ')}`);
}
