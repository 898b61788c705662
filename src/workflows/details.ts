import type { Lease, PlaceInLine, Progress, RunKey, RunState } from '../contract';
import { isFinal } from '../contract';
import { pageUrl } from '../contract/links';
import { cutTo, plain, tableOf } from '../contract/describe';

/** Bytes of Markdown: more nobody reads in a browser, and every look at the workflow carries it. */
const mostBytes = 32_000;
const mostRuns = 200;
/** A link is as long as its row: of more runs they would push the rest out. */
const mostLinked = 50;
/** As many are seen at a glance, without a sum. */
const fewRuns = 8;
const mostFindings = 20;

type Run = Progress['runs'][number];

/** The Markdown that the Temporal UI shows as an experiment's current details. */
export function progressDetails(progress: Progress): string {
  const { experimentId, findings = [], links, verdict } = progress;
  const parts = [
    [headline(progress)],
    hold(progress),
    // Above the tables, as the page cuts the last line of a long text.
    isFinal(progress.stage)
      ? [`\`assay report ${experimentId}\``]
      : [`\`assay show ${experimentId} --waiting\` says what each run waits for`],
    verdict ? [plain(verdict.sentence), '', ...verdict.reasons.map((reason) => `- ${plain(reason)}`)] : [],
    links ? linkLine(progress) : [],
    progress.runs.length > fewRuns ? counts(progress.runs) : [],
    runTable(progress.runs, links?.report ?? null),
    findings.length > 0 ? ['Noted:', '', ...bounded(findings, mostFindings).map((finding) => `- ${plain(finding)}`)] : [],
  ];
  return cutTo(parts.flatMap((part) => (part.length > 0 ? [part.join('\n')] : [])).join('\n\n'), mostBytes);
}

function headline({ stage, waitingFor, since }: Progress): string {
  const when = since === undefined ? '' : ` (since ${time(since)})`;
  // What an end says is why it ended.
  // For whom it waits stands below, with the commands.
  const what = waitingFor === '' || stage === 'approval' ? '' : `${isFinal(stage) ? ': ' : ', waits for '}${plain(waitingFor)}`;
  return `**${stage}**${what}${when}`;
}

/** What a person has to do before it goes on. */
function hold({ experimentId, stage, paused, approval }: Progress): string[] {
  if (isFinal(stage)) return approval && approval.state !== 'waiting' ? [approvalLine(approval)] : [];
  return [
    ...(paused ? [`**Paused**: no run starts. Go on with \`assay resume ${experimentId}\``] : []),
    ...(approval?.state === 'waiting'
      ? [`**Waits for a person**: \`assay approve ${experimentId}\` or \`assay reject ${experimentId} --reason …\``]
      : approval
        ? [approvalLine(approval)]
        : []),
  ];
}

const approvalLine = ({ state, by, at, reason }: NonNullable<Progress['approval']>): string =>
  `**${state}** by ${plain(by ?? 'nobody')}${at === null ? '' : ` at ${time(at)}`}${reason === '' ? '' : `: ${plain(reason)}`}`;

function linkLine({ links, stage }: Progress): string[] {
  const report = links?.report ?? null;
  const shown = [
    ...(report !== null && stage === 'done' ? [`[report](${report})`] : []),
    ...(report === null ? [] : [`[page](${pageUrl(report)})`, `[at the API](${report.replace(/\/report$/, '')})`]),
  ];
  return shown.length === 0 ? [] : [shown.join(' · ')];
}

/** One row a variant. */
function counts(runs: readonly Run[]): string[] {
  const variants = [...new Set(runs.map(({ variant }) => variant))];
  const count = (variant: string, ...states: RunState[]): string =>
    String(runs.filter((run) => run.variant === variant && states.includes(run.state)).length);
  const rows = variants.map((variant) => [
    plain(variant),
    ...[count(variant, 'done'), count(variant, 'starting', 'training'), count(variant, 'waiting'), count(variant, 'failed', 'cancelled')],
  ]);
  return tableOf(['variant', 'done', 'training', 'waiting for a place', 'failed'], rows);
}

/** One row a run, its seed a link to its log; where there are too many, those that are not done first. */
function runTable(runs: readonly Run[], report: string | null): string[] {
  const page = report === null || runs.length > mostLinked ? null : pageUrl(report);
  const order = ['failed', 'training', 'starting', 'waiting', 'cancelled', 'done'] satisfies RunState[];
  const shown =
    runs.length <= mostRuns ? runs : [...runs].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state)).slice(0, mostRuns);
  const rows = shown.map(({ variant, seed, state, host, epoch, message }) => [
    ...[
      plain(variant),
      page === null ? String(seed) : `[${seed}](${page}?log=${encodeURIComponent(`${variant}/${seed}`)}#log)`,
      state,
      host === null ? '–' : plain(host),
      epoch === 0 ? '–' : String(epoch),
    ],
    message === null ? '' : plain(cutTo(message, 200)),
  ]);
  const table = tableOf(['variant', 'seed', 'state', 'host', 'start', 'last message'], rows);
  return runs.length > shown.length ? [...table, '', `and ${runs.length - shown.length} more`] : table;
}

/** What `variantRun` shows of itself. */
export interface RunView {
  key: RunKey;
  state: RunState;
  epoch: number;
  /** Since when it is in this state, ISO 8601. */
  since: string;
  lease: Lease | null;
  place: PlaceInLine | null;
  /** Its experiment is paused. */
  paused?: boolean;
  /** What ended each earlier epoch, a sentence each. */
  history: readonly string[];
}

/** The Markdown that the Temporal UI shows as a run's current details. */
export function runDetails(view: RunView): string {
  const { key, state, epoch, since, lease, history } = view;
  const where = lease === null ? '' : ` on ${plain(lease.host)}, ${lease.devices.length === 0 ? plain(lease.model) : devices(lease)}`;
  const lines = [
    `**${plain(key.variant)} seed ${key.seed}: ${state}**${where}, start ${epoch} (since ${time(since)})`,
    ...(state === 'waiting' ? ['', waitLine(view)] : []),
    '',
    `\`assay logs ${key.experimentId} ${key.variant}/${key.seed} -f\``,
    ...(history.length > 0 ? ['', 'What it went through:', '', ...bounded(history, mostFindings).map((line) => `- ${plain(line)}`)] : []),
  ];
  return cutTo(lines.join('\n'), mostBytes);
}

function waitLine({ key, paused, place }: RunView): string {
  if (paused) return `Paused: it goes on after \`assay resume ${key.experimentId}\``;
  if (place === null) return 'Waits for a place; `assay gpus` says who has them';
  return `Place ${place.place} of ${place.of} in line, asked ${time(place.since)}: ${plain(place.why)}`;
}

const devices = ({ model, devices: held }: Lease): string =>
  `${held.length} ${plain(model)} (${held.map(({ uuid }) => plain(uuid)).join(', ')})`;

/** The last ones: what happened most recently is what a person looks for. */
const bounded = (lines: readonly string[], most: number): string[] =>
  lines.length <= most ? [...lines] : [`${lines.length - most} earlier ones`, ...lines.slice(-most)];

const time = (iso: string): string => `${iso.slice(0, 19).replace('T', ' ')} UTC`;
