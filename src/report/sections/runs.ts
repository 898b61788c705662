import { type FailureCounts, type Result, type RunResult, stoppedFailure } from '../../contract';
import { formatCount, formatEnergy, formatPercent, formatSeconds } from '../formatters';
import { type Html, type HtmlValue, html } from '../html';
import { bullets, code, type Column, section, table } from './parts';

interface NamedRun extends RunResult {
  variant: string;
}

interface RunColumn extends Column {
  /** Whether these runs have something to say here; a column without is left out. */
  shown?: (runs: readonly NamedRun[]) => boolean;
  cell: (run: NamedRun) => HtmlValue;
}

/** One row a variant and seed. */
export function runsSection(result: Result): Html {
  const runs = namedRuns(result);
  const columns = everyColumn.filter(({ shown }) => shown?.(runs) ?? true);
  return section(
    'runs',
    'Runs',
    table(
      'run-table',
      html`${runs.filter((run) => run.status === 'done').length} of ${runs.length} runs finished. <span class="muted">Attempts are starts of the trainer, with what ended the earlier ones; seconds are of training, over all attempts.</span>`,
      columns,
      runs.map((run) => columns.map(({ cell }) => cell(run))),
      'wide runs',
    ),
  );
}

const sub = (text: string): Html => html`<span class="sub">${text}</span>`;

const conduct: RunColumn[] = [
  { head: 'Variant and seed', cell: (run) => html`${run.variant} <span class="muted">seed ${run.seed}</span>` },
  {
    head: 'Status',
    cell: (run) =>
      html`<span class="status ${run.status === 'done' ? 'pass' : 'fail'}">${run.status === 'done' ? '✓ done' : run.failure?.type === stoppedFailure ? '✕ stopped' : '✕ failed'}</span>`,
  },
  { head: 'Attempts', number: true, cell: (run) => html`${formatCount(run.attempts)}${causes(run.failures).map(sub)}` },
  {
    head: 'Resumed from',
    number: true,
    shown: (runs) => runs.some(({ resumedFromStep, warmStart }) => resumedFromStep !== null || warmStart !== null),
    cell: resumedFrom,
  },
  { head: 'Steps', number: true, cell: (run) => formatCount(run.steps) },
  { head: 'Training', number: true, cell: (run) => formatSeconds(run.seconds) },
  {
    head: 'Waiting for data',
    number: true,
    shown: (runs) => runs.some(({ dataStall }) => dataStall !== null),
    cell: (run) => (run.dataStall === null ? '–' : formatPercent(run.dataStall)),
  },
  { head: 'Host and device', cell: (run) => html`${run.host ?? '–'}${sub(run.device.model)}` },
];

const isMeasured = (runs: readonly NamedRun[]): boolean => runs.some(({ telemetry }) => telemetry !== null);

const measured: RunColumn[] = [
  {
    head: 'Utilisation',
    number: true,
    shown: isMeasured,
    cell: ({ telemetry }) => (telemetry === null ? '–' : formatPercent(telemetry.utilization, 0)),
  },
  {
    head: 'Energy',
    number: true,
    shown: isMeasured,
    cell: ({ telemetry }) => (telemetry === null ? '–' : formatEnergy(telemetry.energyJoules)),
  },
  {
    head: 'Throttled',
    number: true,
    shown: isMeasured,
    cell: ({ telemetry }) =>
      telemetry === null
        ? '–'
        : html`${formatPercent(telemetry.throttledShare, 0)}${Object.keys(telemetry.throttleReasons)
            .sort()
            .map((reason) => sub(reason.replaceAll('_', ' ')))}`,
  },
];

const image: RunColumn = {
  head: 'Image',
  // One for all stands under Provenance.
  shown: (runs) => new Set(runs.map(({ image: reference }) => reference)).size > 1,
  cell: ({ image: reference }) => (reference === null ? '–' : imageName(reference)),
};

const failure: RunColumn = {
  head: 'Failure',
  shown: (runs) => runs.some(({ failure: why }) => why !== null),
  cell: (run) => (run.failure === null ? '–' : html`<strong>${run.failure.type}</strong><pre>${run.failure.message}</pre>`),
};

const everyColumn: RunColumn[] = [...conduct, ...measured, image, failure];

const causeWords: Record<keyof FailureCounts, string> = {
  crash: 'crashed',
  outOfMemory: 'out of memory',
  infrastructure: 'host or engine',
  preemption: 'yielded',
};

const causes = (failures: FailureCounts): string[] =>
  (Object.keys(causeWords) as (keyof FailureCounts)[]).flatMap((cause) =>
    failures[cause] === 0 ? [] : [`${failures[cause]} ${causeWords[cause]}`],
  );

function resumedFrom({ resumedFromStep, warmStart }: NamedRun): HtmlValue {
  const started = warmStart === null ? null : sub(`warm start: ${warmStart.run}, step ${formatCount(warmStart.step)}`);
  return html`${resumedFromStep === null ? '–' : `step ${formatCount(resumedFromStep)}`}${started}`;
}

/** "0123456789ab", as an engine lists it; the whole digest stands under Provenance. */
function imageName(reference: string): Html {
  const digest = /sha256:([0-9a-f]{12})/.exec(reference)?.[1];
  return digest === undefined ? code(reference) : html`<code class="whole">${digest}</code>`;
}

/** What went otherwise than registered, grouped so that one remedy for all runs is one line. */
export function deviationsSection(result: Result): Html {
  const byText = new Map<string, string[]>();
  for (const run of namedRuns(result)) {
    for (const text of run.deviations) byText.set(text, [...(byText.get(text) ?? []), `${run.variant} seed ${run.seed}`]);
  }
  const all = [...ofPlan(result), ...[...byText].map(([text, where]) => html`${text} <span class="muted">(${where.join(', ')})</span>`)];
  return section('deviations', 'Deviations', all.length === 0 ? html`<p>None: every run went as registered.</p>` : bullets(all));
}

/** What people changed, and what was declared beforehand as unequal. */
const ofPlan = ({ plan: { addedSeeds = [], stopped = [] }, checks }: Result): HtmlValue[] => [
  ...(addedSeeds.length === 0 ? [] : [`Seeds added while it ran: ${addedSeeds.join(', ')}`]),
  ...(stopped.length === 0 ? [] : [`Stopped while it ran, and not compared: ${stopped.join(', ')}`]),
  ...checks.filter(({ name, status }) => name === 'remedies' && status !== 'pass').map(({ detail }) => detail),
];

const namedRuns = (result: Result): NamedRun[] =>
  result.variants.flatMap((variant) => variant.runs.map((run) => ({ variant: variant.name, ...run })));
