import {
  type Approval,
  type AuditEntry,
  type ErrorType,
  type ExperimentPlan,
  type Progress,
  type SteeringCommand,
  assertNever,
  isFinal,
  isRunFinal,
  qosClasses,
} from '../contract';

/** How an experiment stands when somebody asks to steer it. */
export interface Standing {
  progress: Progress;
  /** Null until it is registered. */
  plan: ExperimentPlan | null;
  audit: readonly AuditEntry[];
  approval: Approval | null;
  /** Latency is being measured. */
  measuring: boolean;
  /** Registered seeds, then the added ones. */
  seeds: readonly number[];
  stopped: ReadonlyMap<string, AuditEntry>;
  qos: string | null;
}

export interface Refusal {
  type: Extract<ErrorType, 'SpecInvalid' | 'Conflict'>;
  message: string;
}

/** Entries that one experiment takes: the trail travels whole into the result. */
const mostEntries = 200;
/** Characters. */
const longest = { by: 200, reason: 500 } as const;
const largestSeed = 2 ** 32 - 1;
/** A plan with more would not fit into a history. */
const mostSeeds = 1000;

/** Why a command cannot be taken now, with the mend; null where it can. */
export function refusal(command: SteeringCommand, now: Standing): Refusal | null {
  const id = now.progress.experimentId;
  const { stage } = now.progress;
  const wrong = wrongInput(command);
  if (wrong !== null) return invalid(wrong);
  if (isFinal(stage))
    return conflict(`${id} is ${stage}: there is nothing left to ${verbs[command.action]}; \`assay show ${id}\` says how it ended`);
  if (now.audit.length >= mostEntries) return conflict(`${id} was steered ${mostEntries} times, as often as one experiment can be`);
  switch (command.action) {
    case 'pause':
      if (now.progress.paused) return conflict(`${id} is paused already, ${last(now, 'pause')}; \`assay resume ${id}\` lets it go on`);
      if (now.measuring) return conflict(`${id} measures latency, which goes to its end; what follows is the analysis`);
      return afterRuns(now, 'no run is left to pause');
    case 'resume':
      return now.progress.paused ? null : conflict(`${id} is not paused, its stage is ${stage}; there is nothing to resume`);
    case 'approve':
    case 'reject':
      return decided(command.action, now);
    case 'stopVariant':
      return stopped(command.variant, now);
    case 'addSeeds':
      return seeds(command.seeds, now);
    case 'changePriority':
      if (now.plan === null) return early(now);
      if (now.qos === command.qos) return conflict(`${id} is of class ${command.qos} already; there is nothing to change`);
      return afterRuns(now, 'no lease is left to ask for');
    default:
      return assertNever(command);
  }
}

const verbs: Record<SteeringCommand['action'], string> = {
  pause: 'pause',
  resume: 'resume',
  approve: 'approve',
  reject: 'reject',
  stopVariant: 'stop',
  addSeeds: 'add seeds to',
  changePriority: 'wait for',
};

/** What no state could make right; the server hands over whatever a client sent. */
function wrongInput(command: SteeringCommand): string | null {
  const { by, reason } = command;
  if (typeof by !== 'string' || by.trim() === '' || by.length > longest.by) return `by: expected who asks, 1 to ${longest.by} characters`;
  if (typeof reason !== 'string' || reason.length > longest.reason)
    return `reason: expected a text of at most ${longest.reason} characters`;
  switch (command.action) {
    case 'reject':
    case 'stopVariant':
      return reason.trim() === '' ? `reason: expected why, since the report will say it; give --reason TEXT` : null;
    case 'addSeeds': {
      const wrong = Array.isArray(command.seeds) ? command.seeds.find((seed) => !isSeed(seed)) : null;
      if (wrong === null || command.seeds.length === 0) return 'seeds: expected one or more, e.g. 6,7,8';
      if (wrong !== undefined) return `seeds: expected whole numbers from 0 to ${largestSeed}, got ${JSON.stringify(wrong)}`;
      const twice = command.seeds.find((seed, i) => command.seeds.indexOf(seed) !== i);
      return twice === undefined ? null : `seeds: ${twice} is listed twice; keep one`;
    }
    case 'changePriority':
      return qosClasses.includes(command.qos) ? null : `qos: expected ${qosClasses.join(', ')}, got ${JSON.stringify(command.qos)}`;
    default:
      return null;
  }
}

const isSeed = (value: unknown): boolean => typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= largestSeed;

function decided(action: 'approve' | 'reject', { progress, plan, approval }: Standing): Refusal | null {
  const id = progress.experimentId;
  if (plan !== null && plan.approval !== true) {
    return conflict(`${id} asks for no approval: decision.approval is false in its file, so its verdict stands without a person`);
  }
  if (approval === null) {
    return conflict(
      `${id} has no verdict to ${action} yet, its stage is ${progress.stage}; \`assay watch ${id}\` ends once it waits for approval`,
    );
  }
  if (approval.state === 'waiting') return null;
  return conflict(`${id} was ${approval.state} by ${approval.by} at ${approval.at}; a decision stands`);
}

function stopped(variant: string, now: Standing): Refusal | null {
  const { plan, progress } = now;
  const id = progress.experimentId;
  if (plan === null) return early(now);
  const candidates = plan.variants.filter(({ control }) => !control).map(({ name }) => name);
  const control = plan.variants.find((one) => one.control)?.name;
  if (variant === control) {
    return invalid(`${variant} is the control of ${id}, without which nothing can be compared; \`assay cancel ${id}\` ends the experiment`);
  }
  if (!candidates.includes(variant)) return invalid(`${id} has no variant "${variant}"; its candidates are ${candidates.join(', ')}`);
  const before = now.stopped.get(variant);
  if (before !== undefined) return conflict(`${variant} of ${id} is stopped already, by ${before.by} at ${before.at}`);
  if (candidates.every((name) => name === variant || now.stopped.has(name))) {
    return conflict(
      `${variant} is the last candidate of ${id}: nothing would be left to compare; \`assay cancel ${id}\` ends the experiment`,
    );
  }
  const late = afterRuns(now, 'its runs have ended');
  if (late !== null) return late;
  const runs = progress.runs.filter((run) => run.variant === variant);
  // Taking a variant out of the comparison after its last result would be choosing what is compared.
  return runs.length > 0 && runs.every(({ state }) => isRunFinal(state))
    ? conflict(`every run of ${variant} of ${id} has ended: there is nothing to stop, and it is compared`)
    : null;
}

function seeds(added: readonly number[], now: Standing): Refusal | null {
  const { plan, progress } = now;
  const id = progress.experimentId;
  if (plan === null) return early(now);
  if (plan.variants.every(({ pretrained }) => pretrained)) {
    return invalid(`every variant of ${id} is a trained model: nothing is trained, so that seeds change nothing`);
  }
  const present = added.filter((seed) => now.seeds.includes(seed));
  if (present.length > 0) return invalid(`seeds: ${present.join(', ')} of ${id} is there already; its seeds are ${now.seeds.join(', ')}`);
  if (now.seeds.length + added.length > mostSeeds) return invalid(`seeds: ${id} would have more than ${mostSeeds}`);
  return afterRuns(now, 'seeds can be added until the analysis begins; start another experiment with more');
}

/** Nothing is trained or measured after the last run. */
function afterRuns({ progress: { stage, experimentId } }: Standing, why: string): Refusal | null {
  return stage === 'analysis' || stage === 'report' || stage === 'approval'
    ? conflict(`${experimentId} is past its last run, its stage is ${stage}: ${why}`)
    : null;
}

const early = ({ progress }: Standing): Refusal => conflict(`${progress.experimentId} is being registered; ask again in a moment`);

function last({ audit }: Standing, action: SteeringCommand['action']): string {
  const entry = audit.findLast((one) => one.action === action);
  return entry === undefined ? '' : `by ${entry.by} at ${entry.at}`;
}

const invalid = (message: string): Refusal => ({ type: 'SpecInvalid', message });
const conflict = (message: string): Refusal => ({ type: 'Conflict', message });
