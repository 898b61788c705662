import type { Breakdown, Result } from '../../contract';
import { breakdownSentences, breakdownsOf } from '../breakdownWords';
import { formatConfidence } from '../formatters';
import { type Html, html } from '../html';
import { metricInfo } from '../metricInfo';
import { classBlocks } from './breakdownClasses';
import { searchedBlock, slicesBlock } from './breakdownSlices';
import { dependenceBlock, reversalsBlock } from './breakdownUnits';
import { bullets, details, name, section } from './parts';

/** Where each candidate differs from the control, the verdict's subject open and the others to be opened; nothing where nothing was looked for. */
export async function breakdownSection(result: Result): Promise<Html | null> {
  const breakdowns = breakdownsOf(result);
  const subject = breakdowns.find(({ variant }) => variant === result.verdict.variant) ?? breakdowns[0];
  if (subject === undefined) return null;
  const blocks: Html[] = [];
  for (const [i, breakdown] of breakdowns.entries()) {
    const body = await candidate(result, breakdown, `where-${i + 1}`);
    if (breakdown === subject) blocks.unshift(body);
    else blocks.push(details(html`${name(breakdown.variant)} against ${name(breakdown.control)}`, body));
  }
  return section(
    'where',
    'Where it differs',
    html`<p class="lead">Exploratory: to look at and to ask further with, not to decide on. Differences are variant minus control, intervals are of ${formatConfidence(result.plan.confidence)}, and unadjusted where nothing else is said.</p>${blocks}`,
  );
}

async function candidate(result: Result, breakdown: Breakdown, id: string): Promise<Html> {
  const sentences = breakdownSentences(result, breakdown);
  const { label, better } = metricInfo(breakdown.metric);
  return html`<p><strong>${name(breakdown.variant)} against ${name(breakdown.control)}</strong> <span class="muted">by ${label}, ${better} is better</span></p>${
    sentences.length === 0
      ? html`<p>Nothing here goes another way than the whole, as far as these rows can show it.</p>`
      : bullets(sentences.map((sentence) => html`<bdi>${sentence}</bdi>`))
  }${slicesBlock(result, breakdown, id)}${searchedBlock(result, breakdown, id)}${dependenceBlock(result, breakdown, id)}${reversalsBlock(breakdown, id)}${await classBlocks(result, breakdown, id)}`;
}
