import type { Result, RunResult } from '../../contract';
import { formatCount, formatSeconds } from '../formatters';
import { type Html, html } from '../html';
import { bullets, section, table } from './parts';

interface NamedRun extends RunResult {
  variant: string;
}

/** One row a variant and seed. */
export function runsSection(result: Result): Html {
  const runs = namedRuns(result);
  return section(
    'runs',
    'Runs',
    table(
      'run-table',
      html`${runs.filter((run) => run.status === 'done').length} of ${runs.length} runs finished. <span class="muted">Attempts are starts of the trainer; seconds are of training, over all attempts.</span>`,
      [
        { head: 'Variant and seed' },
        { head: 'Status' },
        { head: 'Attempts', number: true },
        { head: 'Resumed from', number: true },
        { head: 'Steps', number: true },
        { head: 'Training', number: true },
        { head: 'Host' },
        { head: 'Failure' },
      ],
      runs.map((run) => [
        html`${run.variant} <span class="muted">seed ${run.seed}</span>`,
        html`<span class="status ${run.status === 'done' ? 'pass' : 'fail'}">${run.status === 'done' ? '✓ done' : '✕ failed'}</span>`,
        formatCount(run.attempts),
        run.resumedFromStep === null ? '–' : `step ${formatCount(run.resumedFromStep)}`,
        formatCount(run.steps),
        formatSeconds(run.seconds),
        run.host ?? '–',
        run.failure === null ? '–' : html`<strong>${run.failure.type}</strong><pre>${run.failure.message}</pre>`,
      ]),
      'wide',
    ),
  );
}

/** What went otherwise than registered, grouped so that one remedy for all runs is one line. */
export function deviationsSection(result: Result): Html {
  const byText = new Map<string, string[]>();
  for (const run of namedRuns(result)) {
    for (const text of run.deviations) byText.set(text, [...(byText.get(text) ?? []), `${run.variant} seed ${run.seed}`]);
  }
  return section(
    'deviations',
    'Deviations',
    byText.size === 0
      ? html`<p>None: every run went as registered.</p>`
      : bullets([...byText].map(([text, where]) => html`${text} <span class="muted">(${where.join(', ')})</span>`)),
  );
}

const namedRuns = (result: Result): NamedRun[] =>
  result.variants.flatMap((variant) => variant.runs.map((run) => ({ variant: variant.name, ...run })));
