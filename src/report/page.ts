import { createHash } from 'node:crypto';
import type { Result } from '../contract';
import { css } from './css';
import { html, raw } from './html';
import { breakdownSection } from './sections/breakdown';
import { checksSection } from './sections/checks';
import { classesSection } from './sections/classes';
import { findingsSection } from './sections/findings';
import { comparisonsSection } from './sections/comparisons';
import { latencySection } from './sections/latency';
import { metricsSection } from './sections/metrics';
import { howToRead, planSection, provenanceSection } from './sections/record';
import { deviationsSection, runsSection } from './sections/runs';
import { trainingSection } from './sections/training';
import { keyNumbers, verdictHeader } from './sections/verdict';

export interface ReportExtra {
  /** Measured milliseconds by variant, thinned by the caller or not; drawn below the boxes. */
  latency?: Record<string, number[]>;
}

const contents = [
  ['differences', 'Differences'],
  ['metrics', 'Metrics'],
  ['latency', 'Latency'],
  ['training', 'Training'],
  ['classes', 'By class'],
  ['where', 'Where it differs'],
  ['checks', 'Checks'],
  ['findings', 'What moved'],
  ['runs', 'Runs'],
  ['provenance', 'Provenance'],
  ['how-to-read', 'How to read this'],
] as const;

/** One self-contained page: no script, nothing loaded, the same bytes for the same result. */
export async function renderReport(result: Result, extra: ReportExtra = {}): Promise<string> {
  const styleHash = createHash('sha256').update(css).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; img-src data:; base-uri 'none'; form-action 'none'`;
  const findings = await findingsSection(result);
  const where = await breakdownSection(result);
  const listed = contents.filter(([id]) => (id !== 'findings' || findings !== null) && (id !== 'where' || where !== null));
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${result.name}: ${result.verdict.sentence}</title>
<style>${raw(css)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the verdict</a>
<main id="main">
${verdictHeader(result)}
${keyNumbers(result)}
<nav aria-label="Sections">${listed.map(([id, title]) => html`<a href="#${id}">${title}</a> `)}</nav>
${await comparisonsSection(result)}
${metricsSection(result)}
${await latencySection(result, extra.latency ?? {})}
${await trainingSection(result)}
${classesSection(result)}
${where}
${checksSection(result)}
${findings}
${runsSection(result)}
${deviationsSection(result)}
${planSection(result)}
${provenanceSection(result)}
${howToRead(result)}
</main>
<footer><p>assay ${result.provenance.assay} · ${result.experiment} · ${result.schema}</p></footer>
</body>
</html>
`;
  return page.text;
}
