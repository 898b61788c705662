import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type ExperimentRecord, ids, mediaTypes, refNames, type Result } from '../../src/contract';
import { renderReport } from '../../src/report';
import type { Store } from '../../src/store';
import type { Home } from '../api/support';
import { makeResult } from '../report/fixture';

const ref = { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: mediaTypes.json };

export const experimentId = (name: string, at: Date, n: number): string => ids.experiment(name, at, n.toString(16).padStart(4, '0'));

/** A record as an ended experiment leaves it, without the objects it names. */
export function recordOf(name: string, n: number, more: Partial<ExperimentRecord> = {}): ExperimentRecord {
  const started = new Date(Date.UTC(2026, 0, 1) + n * 600_000);
  const experiment = experimentId(name, started, n);
  return {
    ...{ schema: 'assay.experiment/1', experimentId: experiment, name, owner: `team-${n % 7}`, status: 'done', message: null },
    ...{ startedAt: started.toISOString(), finishedAt: new Date(started.getTime() + (60 + (n % 90)) * 1000).toISOString() },
    workflow: { id: ids.experimentWorkflow(experiment), runId: 'run' },
    ...{ spec: ref, provenance: ref, code: null, snapshot: ref, kept: null, result: ref, report: ref },
    verdict: {
      outcome: n % 3 === 0 ? 'adopt' : 'inconclusive',
      harm: false,
      variant: n % 3 === 0 ? 'cnn' : null,
      sentence: '',
      reasons: [],
    },
    effect: { metric: 'accuracy', variant: 'cnn', difference: 0.021, low: 0.008, high: 0.034 },
    ...more,
  };
}

/** As the store keeps them; written beside it, since thousands one after the other take their time. */
export function putRecords({ dir }: Pick<Home, 'dir'>, records: readonly ExperimentRecord[]): void {
  for (const value of records) {
    const file = join(dir, 'store', 'refs', `${refNames.experiment(value.experimentId)}.json`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify({ version: 1, value }));
  }
}

/** An ended experiment with its result and report; `effect` is left out, as in records of earlier versions. */
export async function putEnded(store: Store, change: (result: Result) => Result = (result) => result): Promise<ExperimentRecord> {
  // The fixture's own is of the days before ids were hexadecimal.
  const experiment = 'digits-20261121-140312-a3f9';
  const made = makeResult();
  const result = change({ ...made, experiment, workflow: { ...made.workflow, id: ids.experimentWorkflow(experiment) } });
  const { effect: _effect, ...record } = recordOf(result.name, 0, { owner: result.owner, verdict: result.verdict });
  const stored = {
    ...record,
    ...{ experimentId: result.experiment, startedAt: result.startedAt, finishedAt: result.finishedAt },
    result: await store.putJson(result),
    report: await store.put(Buffer.from(await renderReport(result)), mediaTypes.html),
  };
  await store.refs.set(refNames.experiment(result.experiment), stored, null);
  return stored;
}

export interface View {
  width?: number;
  dark?: boolean;
  javaScript?: boolean;
  /** More pages of the same browser profile. */
  context?: BrowserContext;
}

/** A page whose console and failures are collected; a violation of its policy is one of them. */
export async function openPage(browser: Browser, view: View = {}): Promise<{ page: Page; context: BrowserContext; wrong: string[] }> {
  const { width = 1200, dark = false, javaScript = true } = view;
  const context =
    view.context ??
    (await browser.newContext({
      viewport: { width, height: 900 },
      colorScheme: dark ? 'dark' : 'light',
      javaScriptEnabled: javaScript,
      reducedMotion: 'reduce',
    }));
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const wrong: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') wrong.push(message.text());
  });
  page.on('pageerror', (error) => wrong.push(String(error)));
  return { page, context, wrong };
}

const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds wrong with the page: rule, element, and why. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations: found } = await (globalThis as unknown as { axe: { run: () => Promise<AxeResult> } }).axe.run();
    return found.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
  });
}

interface AxeResult {
  violations: { id: string; nodes: { html: string; failureSummary: string }[] }[];
}

/** Whether something sticks out to the right of the window, so that the page scrolls sideways. */
export const sticksOut = (page: Page): Promise<boolean> =>
  page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');

/** On each page at two widths, light and dark. */
export const looks = [360, 1200].flatMap((width) => [false, true].map((dark) => ({ width, dark })));
