// Proves, with the command itself on a store of its own: the forms of a report, two experiments against each other, and PDF by a real Chromium.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ExperimentRecord, mediaTypes, refNames, type Result, type Snapshot } from '../../src/contract';
import { renderReport } from '../../src/report';
import { printPdf } from '../../src/cli/report/pdf';
import { openStore, type Store } from '../../src/store';
import { nightly } from '../activities/seriesFixture';
import { makeResult } from '../report/fixture';
import { later } from '../report/fixtureAgainst';
import { type Desk, desk } from './assay';

let here: Desk;
let html: string;
const chromium = process.env.ASSAY_TEST_CHROMIUM as string;
const [before, after] = [makeResult(), later()];
beforeAll(async () => {
  here = desk();
  const store = openStore(`file://${join(here.folder, 'home', 'store')}`);
  html = await renderReport(before);
  await finished(store, before, ['d1', 'd2', 'd3'], { batchSize: 32 });
  await finished(store, after, ['d3', 'd4'], { batchSize: 64 });
  await store.refs.set(
    refNames.experiment('digits-20261123-000000-none'),
    { ...recordOf(before), experimentId: 'digits-20261123-000000-none', result: null, report: null, status: 'failed', message: 'no data' },
    null,
  );
  const series = nightly(3);
  series.looks = series.looks.map((look, i) => ({
    ...look,
    experimentId: ['digits-20261120-020000-gone', before.experiment, after.experiment][i] as string,
  }));
  await store.refs.set(refNames.series(series.name), series, null);
  await store.settle();
}, 60_000);
afterAll(() => here.remove());

const recordOf = (result: Result): ExperimentRecord => ({
  schema: 'assay.experiment/1',
  ...{ experimentId: result.experiment, name: result.name, owner: null, startedAt: result.startedAt, finishedAt: result.finishedAt },
  ...{ status: 'done', workflow: result.workflow, snapshot: null, verdict: result.verdict, message: null, result: null, report: null },
  ...{
    spec: { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: mediaTypes.json },
    provenance: { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: mediaTypes.json },
  },
});

async function finished(store: Store, result: Result, testIds: string[], training: object): Promise<void> {
  const rows = await store.put(testIds.map((id) => `${JSON.stringify({ id, label: '1', row: 0 })}\n`).join(''), mediaTypes.json);
  const snapshot = await store.putJson({ splits: { test: { rows: testIds.length, ref: rows } } } as unknown as Snapshot);
  result.snapshot.record = snapshot.digest;
  const record = { ...recordOf(result), spec: await store.putJson({ name: result.name, training }) };
  record.result = await store.putJson(result);
  record.report = await store.put(await renderReport(result), mediaTypes.html);
  await store.refs.set(refNames.experiment(result.experiment), record, null);
}

test('a page goes to a file whose path is said, text to standard output, and either to the file that is named', async () => {
  const page = await here.run(['report', before.experiment]);
  expect([page.code, page.err]).toEqual([0, '']);
  expect(page.out.trim()).toBe(join(here.folder, 'home', 'reports', `${before.experiment}.html`));
  expect(readFileSync(page.out.trim(), 'utf8')).toContain('What could overturn it');
  const markdown = await here.run(['report', before.experiment, '--format', 'md']);
  expect(markdown.out).toMatch(/^## ✓ Adopt: digits\n/);
  const named = await here.run(['report', before.experiment, '--format', 'json', '-o', 'deep/er/result.json']);
  expect([named.code, named.out]).toEqual([0, '']);
  expect(JSON.parse(readFileSync(join(here.folder, 'deep/er/result.json'), 'utf8'))).toMatchObject({ schema: 'assay.result/1' });
}, 60_000);

test('two experiments against each other: what changed in the spec, the rows that both have, the series that both are of', async () => {
  const against = JSON.parse(
    (await here.run(['report', after.experiment, '--against', before.experiment, '--format', 'json'])).out,
  ) as object;
  expect(against).toMatchObject({
    schema: 'assay.against/1',
    experiment: { experiment: after.experiment },
    against: { experiment: before.experiment },
    sharedTestRows: 1,
    series: { name: 'nightly', looks: [3, 2] },
    changes: expect.arrayContaining([{ about: 'spec', key: 'training.batchSize', before: 32, after: 64 }]),
  });
  const markdown = await here.run(['report', after.experiment, '--against', before.experiment, '--format', 'md']);
  expect(markdown.out).toContain('The two are not independent: 1 test rows are in both, of 359.');
  const newest = await here.run(['report', 'series/nightly', '--against', before.experiment]);
  expect(newest.out.trim()).toMatch(new RegExp(`${after.experiment}-against-${before.experiment}\\.html$`));
  expect(readFileSync(newest.out.trim(), 'utf8')).toContain('What changed between them');
}, 60_000);

test('what cannot be held against each other is a clear error', async () => {
  const said = async (...args: string[]): Promise<string> => {
    const { code, err } = await here.run(['report', ...args]);
    return `${code} ${err}`;
  };
  expect(await said(before.experiment, '--against', before.experiment)).toMatch(/^[23] Conflict .*cannot be compared with itself/);
  expect(await said(before.experiment, '--against', 'digits-20261123-000000-none')).toContain('has no result: it is failed (no data)');
  expect(await said(before.experiment, '--against', 'nothing')).toContain('NotFound no experiment "nothing"');
  expect(await said('series/nightly', '--against', 'digits-20261123-000000-none')).toContain('is no look of the series "nightly"');
}, 60_000);

test('a series has its page, its Markdown and its record', async () => {
  const page = await here.run(['report', 'series/nightly']);
  expect(readFileSync(page.out.trim(), 'utf8')).toContain('The effect over time');
  expect((await here.run(['report', 'series/nightly', '--format', 'md'])).out).toMatch(/^```text\nnightly/);
  expect(JSON.parse((await here.run(['report', 'series/nightly', '--format', 'json'])).out)).toMatchObject({ schema: 'assay.series/1' });
}, 60_000);

test('Chromium prints the page, whole and without a network', async () => {
  const ended = await here.run(['report', before.experiment, '--format', 'pdf', '-o', 'report.pdf'], { ASSAY_CHROMIUM: chromium });
  expect([ended.code, ended.err]).toEqual([0, '']);
  const pdf = readFileSync(join(here.folder, 'report.pdf'));
  expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
  expect(pdf.toString('latin1').match(/\/Type \/Page\b/g)?.length ?? 0).toBeGreaterThan(3);
}, 90_000);

test('without Chromium, with one that is none and with one that prints nothing the error names the mend', async () => {
  await expect(printPdf(html, { PATH: '' })).rejects.toThrow(
    /needs Chromium, and none of chromium, .* is on PATH\. Install Chromium, or set ASSAY_CHROMIUM/,
  );
  await expect(printPdf(html, { ASSAY_CHROMIUM: '/nowhere/chromium' })).rejects.toThrow(
    /names \/nowhere\/chromium, where there is no program/,
  );
  const bin = join(here.folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'chromium'), '#!/bin/sh\necho broken display >&2\nexit 7\n');
  chmodSync(join(bin, 'chromium'), 0o755);
  await expect(printPdf(html, { PATH: bin })).rejects.toThrow(
    /printed no PDF: exit code 7, broken display\. --format html needs no browser/,
  );
});
