import { AssayError, type ExperimentRecord } from '../../contract';
import { renderAgainst, renderAgainstMarkdown, renderMarkdown, renderSeries } from '../../report';
import { seriesSummary } from '../../analysis/series';
import { sessionStore } from '../home';
import { finishedHtml, readResult } from '../reportFile';
import { findSeries, seriesText } from '../schedule/seriesView';
import { findRecord } from '../session';
import { againstOf } from './against';
import { deliver } from './deliver';
import type { ReportOptions } from './formats';

/** A page in every form; `name` is that of its file. */
export interface Report {
  name: string;
  html(): Promise<string>;
  md(): Promise<string>;
  json(): Promise<unknown>;
}

/** `assay report ID`, `assay report series/NAME`, either `--against ID`. */
export async function report(id: string, options: ReportOptions): Promise<void> {
  const series = id.startsWith(prefix) ? id.slice(prefix.length) : null;
  if (options.against !== undefined) return deliver(await againstReport(id, series, options.against), options);
  await deliver(series === null ? await experimentReport(id) : await seriesReport(series), options);
}

const prefix = 'series/';

async function experimentReport(id: string): Promise<Report> {
  const store = sessionStore();
  const record = await findRecord(store, id);
  return {
    name: record.experimentId,
    html: () => finishedHtml(store, record),
    md: async () => renderMarkdown(await readResult(store, record)),
    json: () => readResult(store, record),
  };
}

async function seriesReport(name: string): Promise<Report> {
  const record = await findSeries(sessionStore(), name);
  return {
    name: `series-${name}`,
    html: () => renderSeries(record, seriesSummary(record).sentence),
    md: () => Promise.resolve(`\`\`\`text\n${seriesText(record, { bold: String, yellow: String })}\n\`\`\`\n`),
    json: () => Promise.resolve(record),
  };
}

async function againstReport(id: string, series: string | null, other: string): Promise<Report> {
  const store = sessionStore();
  const record = series === null ? await findRecord(store, id) : await newestOf(series, other);
  const against = await againstOf(store, record, await findRecord(store, other));
  return {
    name: `${record.experimentId}-against-${against.against.experiment}`,
    html: () => Promise.resolve(renderAgainst(against)),
    md: () => Promise.resolve(renderAgainstMarkdown(against)),
    json: () => Promise.resolve(against),
  };
}

/** The experiment of a series' newest look; what it is held against has to be one of its looks too. */
async function newestOf(series: string, other: string): Promise<ExperimentRecord> {
  const store = sessionStore();
  const { looks } = await findSeries(store, series);
  const newest = looks.at(-1);
  if (newest === undefined) throw new AssayError('NotFound', `series "${series}" has no look yet: its first run has not ended`);
  const { experimentId } = await findRecord(store, other);
  if (!looks.some((look) => look.experimentId === experimentId)) {
    const known = looks.slice(-20).map((look) => look.experimentId);
    throw new AssayError(
      'Conflict',
      `${experimentId} is no look of the series "${series}"; its newest: ${known.reverse().join(', ')}. To compare two experiments of different series, name both: assay report ID --against ID`,
    );
  }
  return findRecord(store, newest.experimentId);
}
