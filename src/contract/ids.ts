/** Of an experiment, a variant, a series, a queue of triggers. */
export const nameForm = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/;

/** Every id that outsiders may see is built here. */
export const ids = {
  /** `<name>-<yyyymmdd>-<hhmmss>-<4 or more random characters>`; `random` is injected so that callers choose the source. */
  experiment: (name: string, now: Date, random: string): string =>
    `${name}-${now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)}-${random}`,
  experimentWorkflow: (experimentId: string): string => `assay/${experimentId}`,
  gpuPool: 'assay/gpu-pool',
  maintain: 'assay/maintain',
  series: (name: string): string => `assay/series/${name}`,
  /** Temporal appends `-<scheduled time>`. */
  seriesRuns: (name: string): string => `assay/series/${name}/at`,
  /** One a message: `key` names the event and its receiver. */
  notification: (experimentId: string, key: string): string => `assay/notify/${experimentId}/${key}`,
  /** What copies an experiment's result to other servers after its end. */
  publishing: (experimentId: string): string => `assay/publish/${experimentId}`,
  /** A queue of triggers that feed one experiment after the other. */
  triggers: (name: string): string => `assay/triggers/${name}`,
  variantRunWorkflow: (experimentId: string, variant: string, seed: number): string => `assay/${experimentId}/${variant}/seed-${seed}`,
};

/** Whose a workflow is, by its id; null of those that belong to no experiment. */
export function runOfWorkflow(workflowId: string): { experimentId: string; variant?: string; seed?: number } | null {
  const [, experimentId, , variant, seed] = /^assay\/([^/]+-\d{8}-\d{6}-\w+)(\/(.+)\/seed-(\d+))?$/.exec(workflowId) ?? [];
  if (experimentId === undefined) return null;
  return variant === undefined ? { experimentId } : { experimentId, variant, seed: Number(seed) };
}

export const queues = {
  control: 'assay-control',
  analysis: 'assay-analysis',
  /** Every gpu worker polls it, for work that any host can do. */
  anyHost: 'assay-host',
  gpu: (host: string): string => `assay-gpu.${host}`,
  host: (host: string): string => `assay-host.${host}`,
};

/** Mutable names in the store, below `refs/`. */
export const refNames = {
  experiment: (experimentId: string): string => `experiments/${experimentId}`,
  /** The newest snapshot of experiments of this name. */
  latestSnapshot: (experimentName: string): string => `snapshots/latest/${experimentName}`,
  /** A `SnapshotRecord`, by the digest of its manifest. */
  snapshot: (digest: string): string => `snapshots/by-digest/${digest.replace('sha256:', '')}`,
  /** A name that a person gave: the digest of a snapshot's manifest. */
  namedSnapshot: (name: string): string => `snapshots/named/${name}`,
  /** The newest `PredictionProfile` objects of experiments of this name, by variant. */
  latestPredictions: (experimentName: string): string => `predictions/latest/${experimentName}`,
  /** The `SeriesRecord` of a schedule. */
  series: (name: string): string => `series/${name}`,
  /** What an open experiment has stored and no record names yet; gone with its end. */
  pins: (experimentId: string): string => `pins/${experimentId}`,
  /** An `IdempotencyRecord`, by the SHA-256 of its key in hexadecimal. */
  idempotency: (hash: string): string => `idempotency/${hash}`,
  /** The `OwnerWeights` of the teams. */
  ownerWeights: 'pools/weights',
  /** Who publishes an experiment just now, a `Turn`. */
  publishing: (experimentId: string): string => `publishing/${experimentId}`,
  /** A `TriggersRecord`. */
  triggers: (name: string): string => `triggers/${name}`,
  checkpoints: (experimentId: string, variant: string, seed: number): string => `runs/${experimentId}/${variant}/seed-${seed}/checkpoints`,
};
