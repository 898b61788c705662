// Proves: restarts, use of devices, rows of disagreement and drift pictures stand in the page with their data and their n, as text whatever they hold.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Result, RowContent } from '../../src/contract';
import { renderReport } from '../../src/report';
import { makeLatencies, makeResult } from './fixture';

const fixture = (): Result => JSON.parse(readFileSync(join(__dirname, 'result.fixture.json'), 'utf8'));
const part = (page: string, id: string): string => page.split(`<section id="${id}"`)[1]?.split('</section>')[0] ?? '';
const figures = (section: string): string[] =>
  section
    .split('<figure')
    .slice(1)
    .map((figure) => figure.split('</figure>')[0] ?? '');

let page: string;
beforeAll(async () => {
  page = await renderReport(fixture());
});

test('every drawing of these sections says its n and has its data', () => {
  for (const id of ['training', 'usage', 'findings']) {
    const drawings = figures(part(page, id)).filter((figure) => figure.includes('<svg'));
    expect(drawings.length).toBeGreaterThan(1);
    for (const figure of drawings) expect(figure).toMatch(/n = \d/);
  }
  for (const figure of [...figures(part(page, 'training')), ...figures(part(page, 'findings'))].filter((one) => one.includes('<svg')))
    expect(figure).toMatch(/<details><summary>Data<\/summary>[\s\S]*<table/);
  expect(part(page, 'usage').match(/<summary>Data: /g)).toHaveLength(3);
});

test('a restart is named in the drawing, told to who cannot see it, and listed with step, time and cause', () => {
  const training = part(page, 'training');
  expect(training.match(/>↻ seed 3</g)?.length).toBe(4);
  expect(training).toMatch(/Seed 3: from [^.]+\.[^.]+\.?\d* to [^<]*?restarted from step 0, 400\./);
  expect(training).toContain('data-tip="restarted from step 400: seed 3; HostLost: no heartbeat of gpu-host-1 within 10 s"');
  const table = training.split('id="restart-table"')[1] ?? '';
  expect(table).toMatch(
    /mlp <span class="muted">seed 3<\/span><\/th><td class="number">400<\/td><td class="number">14.2 s<\/td><td>HostLost: no heartbeat/,
  );
  expect(training).toContain('; 2 restarts.');
});

test('a result of an earlier version has the step it was resumed from, and no sections of what it lacks', async () => {
  const old = fixture();
  delete old.disagreements;
  for (const run of old.variants.flatMap(({ runs }) => runs)) {
    delete run.restarts;
    delete run.usage;
  }
  for (const check of old.checks) for (const finding of check.findings ?? []) delete finding.picture?.n;
  const rendered = await renderReport(old);
  expect(part(rendered, 'training').match(/>↻ seed 3</g)?.length).toBe(2);
  expect(part(rendered, 'training')).toContain('not recorded by the version that ran it');
  expect(rendered).not.toMatch(/id="(usage|disagreements)"|href="#(usage|disagreements)"/);
});

test('many restarts crowd no drawing, and all are in the table', async () => {
  const result = fixture();
  const run = result.variants[1]?.runs[0] as Result['variants'][number]['runs'][number];
  run.restarts = Array.from({ length: 40 }, (_, i) => ({ step: 20 * i, seconds: i, cause: 'paused' }));
  const training = part(await renderReport(result), 'training');
  expect(training.match(/>↻ seed/g)?.length).toBe(12);
  expect(training.split('id="restart-table"')[1]?.match(/<tr>/g)).toHaveLength(43);
});

test('use of the devices is drawn for memory, use, clock and temperature, where each line is told by more than its colour', () => {
  const usage = part(page, 'usage');
  for (const title of ['Device memory', 'GPU use', 'SM clock', 'Temperature']) expect(usage).toContain(`<strong>${title}</strong>`);
  expect(usage).toContain('n = 9 runs');
  expect(usage).toContain('Of 6 runs there is no record.');
  const cross = 'd="M-1,-1L1,1M1,-1L-1,1"';
  expect(usage).toContain(`${cross} fill="none" stroke="var(--bound)" stroke-width=".45"/></svg> held down by heat or power`);
  expect(part(page, 'usage')).toMatch(/<path[^>]* d="M-4,-4L4,4M4,-4L-4,4"[^>]* stroke="var\(--bound\)"/);
  const lines = figures(usage)[0]?.match(/stroke-dasharray="[^"]+"/g) ?? [];
  expect(new Set(lines).size).toBe(3);
  expect(usage).toMatch(/data-tip="mlp seed 1: mean [\d.]+ GiB, at most 15.5 GiB, over 30.0 s"/);
});

test('a device that reports no clock has its other drawings, and says so', async () => {
  const result = fixture();
  for (const { usage } of result.variants.flatMap(({ runs }) => runs)) usage?.smClockMhz.fill(null);
  const usage = part(await renderReport(result), 'usage');
  expect(usage).toContain('The devices do not report it.');
  expect(figures(usage).filter((figure) => figure.includes('<svg'))).toHaveLength(3);
});

test('rows of disagreement say both answers, how sure, and what they hold', () => {
  const rows = part(page, 'disagreements').split('<tr>');
  expect(rows[2]).toContain('<span class="name">d0131</span>');
  expect(rows[2]).toMatch(
    /<span class="status fail">✕<\/span> 8<span class="sub whole">score 0.980<\/span><span class="sub whole">5 of 5 seeds/,
  );
  expect(rows[2]).toMatch(
    /<span class="status pass">✓<\/span> 3<span class="sub whole">score 0.990<\/span><span class="sub whole">5 of 5 seeds/,
  );
  expect(rows[2]).toMatch(
    /<img class="picture" src="data:image\/png;base64,[A-Za-z0-9+/=]+" alt="Row d0131, a picture of 8 x 8 pixels"\/>/,
  );
  expect(rows[4]).toContain('Ab &#60;b&#62;here&#60;/b&#62; &#38; there: &#34;a &#60;script&#62;&#34; is no script.');
  expect(rows[5]).toMatch(/ …<\/span><details><summary>Whole text<\/summary>.*… cut<\/span><\/details>/s);
  expect(rows[6]).toContain('<span class="muted">pen</span> nib &#60;i&#62;1&#60;/i&#62;');
  expect(rows[7]).toContain('<summary>400 columns</summary>');
  expect(rows[7]).toContain('and 368 columns more');
  expect(rows[8]).toContain('cannot be shown');
  expect(part(page, 'disagreements')).toContain('n = 359 test rows; 12 (3.3 %) get another class.');
  expect(part(page, 'disagreements')).toContain('Both answer every row alike. n = 359 test rows; 0 (0.0 %) get another class.');
});

test('hostile rows stay text, and only a picture within the page is shown', async () => {
  const evil = `"><script>alert(1)</script><img src=x onerror="alert('2')">`;
  const result = fixture();
  const contents: RowContent[] = [
    { kind: 'image', uri: `data:image/png;base64,AAAA${evil}`, width: 1, height: 1 },
    { kind: 'image', uri: 'https://example.org/seen.png', width: 1, height: 1 },
    { kind: 'image', uri: 'data:image/svg+xml;base64,AAAA', width: 1, height: 1 },
    { kind: 'text', text: evil.repeat(9), cut: true },
    { kind: 'columns', values: [[evil, evil]], columns: 1 },
    { kind: 'film', uri: evil } as never,
  ];
  for (const [i, row] of (result.disagreements?.[0]?.rows ?? []).entries()) {
    Object.assign(row, { id: evil, label: evil, content: contents[i] ?? null });
    Object.assign(row.control, { class: evil });
  }
  for (const run of result.variants.flatMap(({ runs }) => runs)) run.restarts = [{ step: 10, seconds: 1, cause: evil }];
  const rendered = await renderReport(result);
  expect(rendered).not.toMatch(/<img|example\.org/);
  expect(rendered.match(/<script/g)).toHaveLength(1);
  expect(part(rendered, 'disagreements').match(/cannot be shown/g)).toHaveLength(4);
});

test('content that was left out, and rows that were, are told', async () => {
  const result = fixture();
  const [first, second] = result.disagreements ?? [];
  Object.assign(first ?? {}, { withContent: false });
  Object.assign(second ?? {}, { differing: 3 });
  const told = part(await renderReport(result), 'disagreements');
  expect(told).toContain('Their content is left out, as the experiment asks.');
  expect(told).not.toContain('<img');
  expect(told).toContain('No rows are listed, as the experiment asks.');
});

test('a drift picture has both sides beside each other, told apart by more than colour', () => {
  const [bins = '', categories = ''] = figures(part(page, 'findings'));
  expect(bins).toContain('Filled: before. Outlined: now. n = 1,700 before and 1,797 now.');
  for (const figure of [bins, categories]) {
    expect(figure.match(/fill-opacity="0.55"/g)?.length).toBeGreaterThanOrEqual(2);
    expect(figure.match(/fill-opacity="0.08"/g)?.length).toBe(figure.match(/fill-opacity="0.55"/g)?.length);
  }
});

test('five variants with five seeds, every picture, the largest contents and full curves stay under 2 MB', async () => {
  const result = makeResult({ candidates: ['mlp', 'boosting', 'cnn', 'forest'], points: 200 });
  const contents: RowContent[] = [
    { kind: 'text', text: '<&>"\''.repeat(400), cut: true },
    { kind: 'columns', values: Array.from({ length: 256 }, (_, i) => [`${'<'.repeat(60)}${i}`, '&'.repeat(500)]), columns: 4096 },
    { kind: 'image', uri: `data:image/png;base64,${'A'.repeat(6000)}`, width: 64, height: 64 },
  ];
  const [like] = result.disagreements ?? [];
  for (const one of result.disagreements ?? [])
    one.rows = Array.from({ length: 20 }, (_, i) => ({
      ...(like?.rows[0] as NonNullable<typeof like>['rows'][number]),
      id: `r${i}`,
      content: contents[i % 3] ?? null,
    }));
  for (const run of result.variants.flatMap((variant) => variant.runs)) {
    run.curve = run.curve.map((point) => ({ ...point, accuracy: point.accuracy ?? 0.5 }));
    const series = Array.from({ length: 120 }, (_, i) => 1234.5 + i);
    run.usage = {
      seconds: series,
      memoryBytes: series,
      utilization: series.map(() => 0.123),
      smClockMhz: series,
      temperatureCelsius: series,
      powerWatts: series,
      throttled: series.map(() => 0.5),
    };
    run.restarts = Array.from({ length: 20 }, (_, i) => ({
      step: 40 * i,
      seconds: i,
      cause: 'TrainerCrashed: exit code 137 (SIGKILL), after a long while',
    }));
  }
  const size = Buffer.byteLength(await renderReport(result, { latency: makeLatencies(result) }));
  expect(size).toBeLessThan(2_000_000);
  // A thousand times the test rows are other numbers, and no more of them.
  for (const one of result.disagreements ?? []) one.of *= 1000;
  for (const comparison of result.comparisons) comparison.n *= 1000;
  for (const row of result.variants.flatMap(({ perClass }) => perClass)) row.support *= 1000;
  expect(Math.abs(Buffer.byteLength(await renderReport(result, { latency: makeLatencies(result) })) - size)).toBeLessThan(2000);
});
