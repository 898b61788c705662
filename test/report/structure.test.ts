import { renderAgainst, renderReport, renderSeries } from '../../src/report';
import { nightly } from '../activities/seriesFixture';
import { makeLatencies, makeResult } from './fixture';
import { againstFixture, withoutVerdict } from './fixtureAgainst';

const report = (): Promise<string> => renderReport(makeResult(), { latency: makeLatencies(makeResult()) });

/** Headings and tables' captions in their order, and how many drawings there are: what a page consists of, whatever it looks like. */
function outline(page: string): string[] {
  const plain = (html: string): string =>
    html
      .replace(/<svg[\s\S]*?<\/svg>/g, '')
      .replace(/<[^>]+>/g, '')
      .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
      .trim();
  const parts = [...page.matchAll(/<(h[1-3]|caption)\b[^>]*>([\s\S]*?)<\/\1>/g)].map(
    ([, tag = '', text = '']) => `${tag} ${plain(text.replace(/<span class="muted">[\s\S]*?<\/span>/g, ''))}`,
  );
  return [...parts, `${page.match(/<figure/g)?.length ?? 0} figures, ${page.match(/<svg class="chart"/g)?.length ?? 0} charts`];
}

test('a report consists of these parts', async () => {
  expect(outline(await report())).toMatchSnapshot();
});

test('a report of runs that all failed consists of these parts', async () => {
  expect(outline(await renderReport(withoutVerdict()))).toMatchSnapshot();
});

test('the page of a series consists of these parts', async () => {
  expect(outline(await renderSeries(nightly(12), 'adopt mlp, decided at look 12'))).toMatchSnapshot();
});

test('the page of two experiments against each other consists of these parts', () => {
  expect(outline(renderAgainst(againstFixture()))).toMatchSnapshot();
});

test.each([
  ['a report', report],
  ['a series', () => renderSeries(nightly(12), 'open')],
])('every plot of %s says its n and has its data in a table', async (_what, render) => {
  const page = await render();
  const figures = page.split('<figure').slice(1);
  const titleOf = (figure: string): string => /<title[^>]*>([^<]*)/.exec(figure)?.[1] ?? '';
  const drawn = figures.filter((figure) => (figure.split('</figure>')[0] ?? '').includes('<svg class="chart"'));
  expect(drawn.length).toBeGreaterThan(1);
  expect(drawn.filter((figure) => !/<p class="n">[^]*?n = /.test(figure.split('</figure>')[0] ?? '')).map(titleOf)).toEqual([]);
  // These stand above or beside one table of all their numbers.
  const together = [
    ...(page.includes('<caption id="latency-table"') ? [/^Latency of a batch/] : []),
    ...(page.includes('<caption id="looks-table"') ? [/over time$/] : []),
    ...(page.includes('<caption id="usage-data-1"') ? [/over the time of each run$/] : []),
  ];
  const alone = drawn.filter((figure) => !(figure.split('</figure>')[0] ?? '').includes('<caption')).map(titleOf);
  expect(alone.filter((title) => !together.some((one) => one.test(title)))).toEqual([]);
});

test('the answer, what could overturn it and what makes it invalid stand before every number', async () => {
  const result = makeResult();
  result.checks.push({ name: 'overlap', status: 'fail', gate: true, statistic: 3, pValue: null, detail: '3 rows are in both.' });
  result.verdict = {
    outcome: 'invalid',
    harm: false,
    variant: null,
    sentence: 'The comparison is invalid: 3 rows are in both.',
    reasons: [],
  };
  for (const [page, wanted] of [
    [await report(), ['<h1>', 'What could overturn it', 'Reasons', 'id="key-numbers"', 'id="differences"']],
    [await renderReport(result), ['<h1>', 'What makes it invalid', 'What has to be mended first', 'id="key-numbers"', 'id="differences"']],
  ] as const) {
    const main = page.slice(page.indexOf('<main'));
    const places = wanted.map((part) => main.indexOf(part));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  }
});

test('a report says how to run it again, to verify and to export it', async () => {
  const provenance = (await report()).split('<section id="provenance"')[1] ?? '';
  const id = makeResult().experiment;
  for (const command of [`assay replay ${id}`, `assay verify ${id}`, `assay export ${id} -o evidence`])
    expect(provenance).toContain(command);
});

test('seeds that were added and candidates that were stopped are deviations', async () => {
  const result = makeResult();
  Object.assign(result.plan, { addedSeeds: [6], stopped: ['forest'] });
  for (const run of result.variants.flatMap(({ runs }) => runs)) run.deviations = [];
  const section = (await renderReport(result)).split('<section id="deviations"')[1]?.split('</section>')[0];
  expect(section).toContain('Seeds added while it ran: 6');
  expect(section).toContain('Stopped while it ran, and not compared: forest');
});

test('the trainers’ environments are one table, with the runs that differ', async () => {
  const result = makeResult({ candidates: ['mlp'], seeds: [1, 2] });
  for (const [i, run] of result.variants.flatMap(({ runs }) => runs).entries())
    run.environment = { numpy: i === 3 ? '2.4.2' : '2.4.1', threads: 4 };
  const table = (await renderReport(result)).split('<caption id="trainer-environment-table"')[1]?.split('</table>')[0];
  expect(table).toContain('<th scope="row">threads</th><td>4</td>');
  expect(table).toMatch(/2\.4\.2 <span class="muted">\(mlp seed 2\)/);
});
