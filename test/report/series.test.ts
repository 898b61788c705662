import { renderSeries } from '../../src/report';
import { effectChart } from '../../src/report/series/charts';
import { nightly, seriesOf } from '../activities/seriesFixture';

test('the page of a series says where it stands, draws the effect over time and lists every look, newest first', async () => {
  const page = await renderSeries(nightly(12), 'adopt mlp, decided at look 12');
  expect(page).toContain('<h1>Accuracy of mlp against logistic: adopt mlp, decided at look 12</h1>');
  expect(page).toContain('aria-labelledby="effect-title effect-description"');
  const order = [...page.matchAll(/<th scope="row">(\d+)<\/th>/g)].map(([, look]) => Number(look));
  expect(order).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  expect(page).toContain('drift: pixel_3_4 moved by 0.21 (KS)');
  expect(page).toContain('The verdict turned from inconclusive to adopt');
  expect(page).toContain('DataInvalid: no label');
});

test('what a person wrote is text on the page, never markup, and the page loads nothing and runs nothing', async () => {
  const page = await renderSeries(nightly(3), 'open');
  expect(page).toContain('The MLP &#60;stays&#62; ahead &#38; ahead.');
  expect(page).not.toMatch(/<link|src="http|style="/);
  expect(page.match(/<script/g)).toHaveLength(1);
  expect(page.includes('default-src &#39;none&#39;')).toBe(true);
});

test('a series without a look has its rule and no drawing', async () => {
  const page = await renderSeries(seriesOf(), 'no run yet');
  expect(page).not.toContain('<svg');
  expect(page).toContain('The rule, fixed before the first look');
});

test('the drawing holds every look, zero, the margin, alerts and drift, in the metric’s unit', () => {
  const { spec, description } = effectChart(nightly(12));
  const layers = (spec as unknown as { layer: { data?: { values: { at?: number }[] } }[]; data: { values: { difference: number }[] } })
    .layer;
  const values = (spec as unknown as { data: { values: { difference: number; look: number }[] } }).data.values;
  expect(values.map(({ look }) => look)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect(values.at(-1)?.difference).toBeCloseTo((nightly(12).looks.at(-1)?.difference ?? 0) * 100, 9);
  expect(layers[1]?.data?.values).toEqual([{ at: 0.5 }]);
  expect(layers.at(-2)?.data?.values).toHaveLength(1);
  expect(layers.at(-1)?.data?.values).toHaveLength(1);
  expect(description).toContain('Look 12, 2026-11-12 02:00 UTC: +1.');
});

test('a drawing of a series scrolls in its figure, which is a region with a name', async () => {
  const page = await renderSeries(nightly(12), 'open');
  for (const id of ['effect', 'alpha'])
    expect(page).toMatch(new RegExp(`<div class="scroll" role="region" tabindex="0" aria-labelledby="${id}-title"><svg class="chart"`));
});

test('a metric where lower is better is drawn with better up', () => {
  const record = nightly(4);
  record.question = { ...record.question, primary: 'log_loss', margin: 0 };
  expect(JSON.stringify(effectChart(record).spec)).toContain('"reverse":true');
});

test('the same record gives the same bytes', async () => {
  expect(await renderSeries(nightly(9, 'new-units'), 'open')).toBe(await renderSeries(nightly(9, 'new-units'), 'open'));
});
