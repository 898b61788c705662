import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outcomes, type Result } from '../../src/contract';
import { renderReport } from '../../src/report';
import { makeLatencies, makeResult } from './fixture';

const fixtureFile = join(__dirname, 'result.fixture.json');
const fixture = (): Result => JSON.parse(readFileSync(fixtureFile, 'utf8'));
const sections = [
  'key-numbers',
  'differences',
  'metrics',
  'latency',
  'training',
  'classes',
  'where',
  'checks',
  'findings',
  'runs',
  'deviations',
  'plan',
  'provenance',
  'how-to-read',
];

test('the stored fixture is what its generator makes', () => {
  if (process.env.ASSAY_WRITE_FIXTURE) writeFileSync(fixtureFile, `${JSON.stringify(makeResult(), null, 1)}\n`);
  expect(fixture()).toEqual(makeResult());
});

test('the same result gives the same bytes, also when several pages are rendered at once', async () => {
  const extra = { latency: makeLatencies(fixture()) };
  const [first, , second] = await Promise.all([
    renderReport(fixture(), extra),
    renderReport(makeResult({ candidates: ['other'] })),
    renderReport(fixture(), extra),
  ]);
  expect(second).toBe(first);
});

test('another process renders the same bytes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-report-'));
  try {
    const latency = makeLatencies(fixture());
    writeFileSync(join(folder, 'latency.json'), JSON.stringify(latency));
    const printed = execFileSync(process.execPath, [join(__dirname, 'renderFile.cjs'), fixtureFile, join(folder, 'latency.json')], {
      encoding: 'utf8',
      maxBuffer: 1e8,
      env: { ...process.env, TZ: 'Asia/Tokyo', LANG: 'de_DE.UTF-8', NODE_OPTIONS: '' },
    });
    expect(printed).toBe(await renderReport(fixture(), { latency }));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each(outcomes)('a report of outcome %s has every section, its sentence and balanced markup', async (outcome) => {
  const result = fixture();
  result.verdict = {
    ...result.verdict,
    outcome,
    harm: outcome === 'keep',
    variant: outcome === 'adopt' ? 'mlp' : null,
    sentence: `The sentence of ${outcome}.`,
  };
  const page = await renderReport(result);
  expect(sections.filter((id) => !page.includes(`<section id="${id}"`))).toEqual([]);
  expect(page).toContain(`<h1>The sentence of ${outcome}${outcome === 'invalid' ? '.' : ''}`);
  expect(page.includes('Harm shown')).toBe(outcome === 'keep');
  expect(unbalanced(page)).toEqual([]);
});

test('what makes a comparison invalid stands before every number', async () => {
  const result = fixture();
  result.verdict = {
    outcome: 'invalid',
    harm: false,
    variant: null,
    sentence: 'No conclusion: test rows stand in the training data.',
    reasons: ['37 rows are in both.', 'One more reason.'],
  };
  result.checks[1] = { name: 'overlap', status: 'fail', gate: true, statistic: 37, pValue: null, detail: '37 rows are in both.' };
  const page = await renderReport(result);
  const at = page.indexOf('What makes it invalid');
  expect(at).toBeGreaterThan(page.indexOf('<h1>'));
  expect(page.indexOf('overlap: 37 rows are in both.')).toBeGreaterThan(at);
  expect(page.indexOf('What has to be mended first')).toBeGreaterThan(at);
  expect(page.indexOf('37 rows are in both.')).toBeLessThan(page.indexOf('id="key-numbers"'));
  expect(page).toContain('Take the shared rows out of the source');
});

test('hostile text of a user stays text everywhere', async () => {
  const evil = `</title></style></script><script>alert(1)</script><img src=x onerror="alert('2')">`;
  const result = JSON.parse(JSON.stringify(fixture()).replaceAll('"mlp"', JSON.stringify(evil))) as Result;
  Object.assign(result, { name: evil, hypothesis: evil, owner: evil, experiment: evil });
  Object.assign(result.verdict, { sentence: evil, reasons: [evil] });
  Object.assign(result.snapshot, { source: evil, classes: [evil] });
  result.provenance.command = ['assay', 'run', evil];
  result.provenance.environment = { [evil]: evil };
  for (const check of result.checks) {
    Object.assign(check, { name: evil, detail: evil, mend: evil });
    for (const finding of check.findings ?? []) Object.assign(finding, { column: evil, detail: evil, mend: evil, since: evil });
  }
  for (const comparison of result.comparisons) Object.assign(comparison, { notes: [evil], method: evil });
  for (const variant of result.variants) {
    variant.params = { [evil]: evil };
    for (const row of variant.perClass) row.class = evil;
    for (const run of variant.runs) {
      Object.assign(run, { deviations: [evil], host: evil, status: 'failed', failure: { type: 'TrainerFailed', message: evil } });
      Object.assign(run, { image: evil, imageId: evil, warmStart: { run: evil, step: 1 }, leaks: [evil] });
      run.device.model = evil;
      if (run.telemetry) run.telemetry.throttleReasons = { [evil]: 1 };
    }
  }
  const page = await renderReport(result);
  expect(page).not.toMatch(/<img(?! class="picture" src="data:image\/png;base64,)/i);
  expect(page.match(/<script/gi)).toHaveLength(1);
  expect(page.match(/<\/style>/g)).toHaveLength(1);
  expect(page.match(/<\/title>/g)?.length).toBe(page.match(/<title/g)?.length);
  expect(unbalanced(page)).toEqual([]);
});

test('undefined numbers are called not defined and never NaN', async () => {
  const result = fixture();
  for (const comparison of result.comparisons) {
    Object.assign(comparison, {
      difference: null,
      low: null,
      high: null,
      pValue: null,
      adjustedPValue: null,
      detectableDifference: null,
      ratio: null,
    });
  }
  for (const variant of result.variants) {
    for (const own of Object.values(variant.metrics)) Object.assign(own, { estimate: null, low: null, high: null });
    for (const run of variant.runs) run.metrics = { accuracy: null };
    for (const row of variant.perClass) Object.assign(row, { precision: null, recall: null, f1: null });
  }
  const page = await renderReport(result);
  expect(page).toContain('not defined');
  expect(page).not.toMatch(/NaN|undefined|Infinity/);
});

test('a run says where it went, what ended its attempts, and what its device did', async () => {
  const result = fixture();
  const run = result.variants[1]?.runs[2] as Result['variants'][number]['runs'][number];
  Object.assign(run, {
    attempts: 4,
    failures: { crash: 1, infrastructure: 1, preemption: 1, outOfMemory: 0 },
    warmStart: { run: 'digits-0/mlp/seed-1', step: 900 },
    image: `trainer@sha256:${'0123456789abcdef'.repeat(4)}`,
  });
  if (run.telemetry) Object.assign(run.telemetry, { throttledShare: 0.25, throttleReasons: { hw_thermal_slowdown: 9 } });
  const row = rowOf(await renderReport(result), 'mlp', run.seed);
  for (const text of [
    '1 crashed',
    '1 host or engine',
    '1 yielded',
    'step 400',
    'warm start: digits-0/mlp/seed-1, step 900',
    '3.1 %',
    'NVIDIA H100 80GB HBM3',
    '68 %',
    '7.06 kJ',
    '25 %',
    'hw thermal slowdown',
  ]) {
    expect(row).toContain(text);
  }
  expect(row).not.toContain('out of memory');
  expect(row).toContain('<code class="whole">0123456789ab</code>');
});

test('the record names the image whole: by the digest of its registry and by the id that ran', async () => {
  const result = fixture();
  const { image, imageId } = result.variants[0]?.runs[0] ?? {};
  const record = (await renderReport(result)).split('<section id="provenance"')[1] ?? '';
  expect(record).toContain(`<code>${image}</code>`);
  expect(record).toContain(`<code>${imageId}</code>`);
  expect(record).toContain('<dt>Devices</dt><dd>NVIDIA H100 80GB HBM3</dd>');
});

test('an experiment of processes on the CPU has no columns of devices and images', async () => {
  const result = fixture();
  for (const run of result.variants.flatMap((variant) => variant.runs)) {
    Object.assign(run, { image: null, imageId: null, telemetry: null, dataStall: null, device: { kind: 'cpu', model: 'cpu', uuids: [] } });
  }
  const page = await renderReport(result);
  const runs = page.split('<section id="runs"')[1]?.split('</section>')[0] ?? '';
  expect(runs).not.toMatch(/Utilisation|Energy|Throttled|Image|Waiting for data/);
  expect(page).toContain('none: trainers ran as processes of their host');
});

test('the table of runs has no column that says nothing, and names images where they are not one', async () => {
  const heads = async (result: Result): Promise<string[]> => {
    const runs = (await renderReport(result)).split('<caption id="run-table"')[1]?.split('</thead>')[0] ?? '';
    return [...runs.matchAll(/<th[^>]*>([^<]*)</g)].map(([, head = '']) => head);
  };
  const all = fixture();
  expect(await heads(all)).not.toContain('Failure');
  expect(await heads(all)).not.toContain('Image');
  expect(await heads(all)).toContain('Resumed from');
  const runs = all.variants.flatMap((variant) => variant.runs);
  for (const run of runs) Object.assign(run, { resumedFromStep: null, warmStart: null });
  Object.assign(runs[0] ?? {}, {
    image: `other@sha256:${'e'.repeat(64)}`,
    status: 'failed',
    failure: { type: 'TrainerFailed', message: 'x' },
  });
  const changed = await heads(all);
  expect(changed.slice(-2)).toEqual(['Image', 'Failure']);
  expect(changed).not.toContain('Resumed from');
});

test.each([
  ['https://temporal.example/namespaces/a?b="c"', true],
  ['http://127.0.0.1:8233/x', true],
  ['javascript:alert(1)', false],
  ['temporal', false],
])('the address of the Temporal UI, %s, is a link where it is one of the web: %s', async (url, linked) => {
  const result = fixture();
  result.workflow.url = url;
  const address = /<dt>Temporal UI<\/dt><dd>(.*?)<\/dd>/.exec(await renderReport(result))?.[1] ?? '';
  const escaped = url.replaceAll('"', '&#34;');
  expect(address).toBe(linked ? `<a href="${escaped}" rel="noreferrer"><code>${escaped}</code></a>` : `<code>${url}</code>`);
});

test('unequal remedies that were declared stand before the verdict', async () => {
  const result = fixture();
  const detail = 'Declared beforehand: mlp was trained with bf16; logistic without.';
  result.checks.push({ name: 'remedies', status: 'warn', gate: false, statistic: null, pValue: null, detail });
  result.verdict.reasons.unshift(detail);
  const page = await renderReport(result);
  const main = page.slice(page.indexOf('<main'));
  expect(main.indexOf(detail)).toBeGreaterThan(0);
  expect(main.indexOf(detail)).toBeLessThan(main.indexOf('<h1>'));
  expect(main.split('<section id="key-numbers"')[0]?.split(detail)).toHaveLength(2);
  expect(unbalanced(page)).toEqual([]);
});

test('where every latency block was dropped the page says why there is no number', async () => {
  const result = fixture();
  for (const variant of result.variants) variant.latency = null;
  const detail = 'Latency blocks were dropped, since the device was throttled: mlp 10 of 10.';
  result.checks.push({ name: 'latency-blocks', status: 'warn', gate: false, statistic: 10, pValue: null, detail });
  expect((await renderReport(result)).split('<section id="latency"')[1]?.split('</section>')[0]).toContain(detail);
});

test('an experiment whose runs all failed still has its page', async () => {
  const result = fixture();
  result.comparisons = [];
  for (const variant of result.variants) {
    Object.assign(variant, { metrics: {}, perClass: [], latency: null });
    for (const run of variant.runs) {
      Object.assign(run, {
        status: 'failed',
        curve: [],
        metrics: {},
        failure: { type: 'TrainerFailed', message: 'Traceback\nValueError: bad' },
      });
    }
  }
  const page = await renderReport(result);
  expect(page).toContain('0 of 15 runs finished');
  expect(page).toContain('There is no comparison');
  expect(page).toContain('No latency was measured');
  expect(page).not.toMatch(/NaN|undefined|Infinity/);
});

test('an interval with no spread and an exact tie can be drawn', async () => {
  const result = fixture();
  for (const comparison of result.comparisons) Object.assign(comparison, { difference: 0, low: 0, high: 0, pValue: 1 });
  for (const variant of result.variants)
    if (variant.latency) Object.assign(variant.latency, { min: 1, p25: 1, p50: 1, p75: 1, p95: 1, p99: null, max: 1 });
  expect(await renderReport(result)).not.toMatch(/NaN|Infinity/);
});

test('five variants with five seeds and full curves stay under 2 MB', async () => {
  const result = makeResult({ candidates: ['mlp', 'boosting', 'cnn', 'forest'], points: 200 });
  for (const run of result.variants.flatMap((variant) => variant.runs))
    run.curve = run.curve.map((point) => ({ ...point, accuracy: point.accuracy ?? 0.5 }));
  const page = await renderReport(result, { latency: makeLatencies(result) });
  expect(Buffer.byteLength(page)).toBeLessThan(2_000_000);
});

test('nothing is loaded, and the policy allows the one stylesheet and the one script by their hashes', async () => {
  const page = await renderReport(fixture());
  expect(page).not.toMatch(/https?:|src=(?!"data:image\/png;base64,)|@import|url\((?!#)|<link|\sstyle=|\son[a-z]+="/i);
  const hash = (tag: string): string => {
    const [, text = '', ...more] = page.split(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`));
    expect(more).toHaveLength(1);
    return `${tag}-src &#39;sha256-${createHash('sha256').update(text).digest('base64')}&#39;;`;
  };
  expect(page).toContain(hash('style'));
  expect(page).toContain(hash('script'));
});

test('ids are unique, references meet them, and every drawing has a name', async () => {
  const page = await renderReport(fixture(), { latency: makeLatencies(fixture()) });
  const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1]);
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
  const used = [...page.matchAll(/aria-labelledby="([^"]+)"|href="#([^"]+)"|url\(#([^)]+)\)/g)].flatMap((match) =>
    (match[1] ?? match[2] ?? match[3] ?? '').split(' '),
  );
  expect(used.filter((id) => !ids.includes(id))).toEqual([]);
  const drawings = page.match(/<svg[^>]*>/g) ?? [];
  expect(drawings.length).toBeGreaterThan(10);
  expect(drawings.filter((tag) => !/role="img" aria-label/.test(tag))).toEqual([]);
});

test('every table has a caption and every header cell a scope', async () => {
  const page = await renderReport(fixture());
  expect(page.match(/<table/g)?.length).toBe(page.match(/<caption/g)?.length);
  expect((page.match(/<th\b[^>]*>/g) ?? []).filter((tag) => !tag.includes('scope='))).toEqual([]);
});

test('what moved is told with its size, its place, its time and a picture, and a result without alarms has no such section', async () => {
  const page = await renderReport(fixture());
  expect(page).toContain('ink: share of the rows, before and now');
  expect(page).toContain('Moved most: from 8 on, 20.0 % before, 45.0 % now. Rows that show it: d0007, d0012. Since 2026-11-02T00:00:00Z.');
  expect(page).toContain('pen: share of the rows, before and now');
  const calm = fixture();
  for (const check of calm.checks) for (const finding of check.findings ?? []) finding.alarm = false;
  expect(await renderReport(calm)).not.toContain('What moved');
});

test('margin and guardrail are drawn where the plan puts them', async () => {
  const page = await renderReport(fixture());
  expect(page).toMatch(/fill="var\(--bound\)"[^>]*>margin</);
  expect(page).toMatch(/fill="var\(--bound\)"[^>]*>guardrail</);
  const free = fixture();
  Object.assign(free.plan, { margin: 0, guardrails: [] });
  expect(await renderReport(free)).not.toMatch(/fill="var\(--bound\)"[^>]*>(margin|guardrail)</);
});

/** A run's row of the table of runs. */
const rowOf = (page: string, variant: string, seed: number): string =>
  page
    .split('<section id="runs"')[1]
    ?.split('<tr>')
    .find((row) => row.includes(`${variant} <span class="muted">seed ${seed}<`)) ?? '';

/** Tags that open without closing in order, or the other way round. */
function unbalanced(page: string): string[] {
  const empty = new Set(['meta', 'br', '!doctype']);
  const open: string[] = [];
  for (const [, closing, name = '', selfClosing] of page
    .replace(/<(style|script)>[\s\S]*?<\/\1>/g, '')
    .matchAll(/<(\/?)([a-z!][\w-]*)(?:"[^"]*"|[^>"])*?(\/?)>/gi)) {
    if (empty.has(name) || selfClosing === '/') continue;
    if (closing !== '/') open.push(name);
    else if (open.at(-1) === name) open.pop();
    else return [...open, `/${name}`];
  }
  return open;
}
