import type { Result } from '../contract';
import { answer } from './answer';
import { htmlDocument } from './document';
import { html } from './html';
import { breakdownSection } from './sections/breakdown';
import { checksSection } from './sections/checks';
import { classesSection } from './sections/classes';
import { disagreementsSection } from './sections/disagreements';
import { findingsSection } from './sections/findings';
import { comparisonsSection } from './sections/comparisons';
import { latencySection } from './sections/latency';
import { metricsSection } from './sections/metrics';
import { howToRead, planSection, provenanceSection } from './sections/record';
import { deviationsSection, runsSection } from './sections/runs';
import { steeringSection } from './sections/steering';
import { trainingSection } from './sections/training';
import { usageSection } from './sections/usage';
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
  ['usage', 'Devices'],
  ['classes', 'By class'],
  ['where', 'Where it differs'],
  ['disagreements', 'Rows they disagree on'],
  ['checks', 'Checks'],
  ['findings', 'What moved'],
  ['runs', 'Runs'],
  ['steering', 'Steering'],
  ['provenance', 'Provenance'],
  ['how-to-read', 'How to read this'],
] as const;

/** One self-contained page: nothing loaded, the same bytes for the same result. */
export async function renderReport(result: Result, extra: ReportExtra = {}): Promise<string> {
  const findings = await findingsSection(result);
  const where = await breakdownSection(result);
  const steering = steeringSection(result);
  const usage = await usageSection(result);
  const disagreements = disagreementsSection(result);
  const perhaps: Record<string, unknown> = { findings, where, steering, usage, disagreements };
  const listed = contents.filter(([id]) => perhaps[id] !== null);
  const body = html`${verdictHeader(result)}
${keyNumbers(result)}
<nav aria-label="Sections">${listed.map(([id, title]) => html`<a href="#${id}">${title}</a> `)}</nav>
${await comparisonsSection(result)}
${metricsSection(result)}
${await latencySection(result, extra.latency ?? {})}
${await trainingSection(result)}
${usage}
${classesSection(result)}
${where}
${disagreements}
${checksSection(result)}
${findings}
${runsSection(result)}
${deviationsSection(result)}
${steering}
${planSection(result)}
${provenanceSection(result)}
${howToRead(result)}`;
  return htmlDocument({
    title: `${result.name}: ${answer(result)}`,
    skipTo: 'the verdict',
    body,
    footer: `assay ${result.provenance.assay} · ${result.experiment} · ${result.schema}`,
  });
}
