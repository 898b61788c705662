import type { Ref, TrainProgress } from '../contract';
import { count, gauge, inSpan, log, metricsOn, observe, onScrape } from '../observability';
import type { Store } from '../store';

interface Followed {
  progress: Readonly<TrainProgress>;
  phase: string;
  step: number;
  /** Since when neither has changed, ms of the process. */
  since: number;
  checkpointStep: number | null;
  checkpointAt: number;
  warned: boolean;
}

/** Attempts under way in this process. */
const followed = new Set<Followed>();

/** Counts the steps of a run and how long it is silent, until the function it returns is called. */
export function followRun(progress: Readonly<TrainProgress>): () => void {
  const now = performance.now();
  const one: Followed = {
    ...{ progress, phase: progress.phase, step: progress.step, since: now, warned: false },
    ...{ checkpointStep: progress.checkpointStep, checkpointAt: now },
  };
  followed.add(one);
  const timer = setInterval(() => look(one), lookMs);
  timer.unref();
  return () => {
    look(one);
    clearInterval(timer);
    followed.delete(one);
  };
}

/** Gauges of this host's runs, set anew for each scrape. */
export function serveRunMetrics(host: string): void {
  onScrape(() => {
    const now = performance.now();
    const oldest = (times: number[]): number => Math.max(0, ...times.map((at) => (now - at) / 1000));
    for (const phase of phases)
      gauge('assay_host_runs', { host, phase }, [...followed].filter(({ progress }) => progress.phase === phase).length);
    gauge('assay_run_progress_age_seconds', { host }, oldest([...followed].map(({ since }) => since)));
    const training = [...followed].filter(({ phase }) => phase === 'training');
    gauge('assay_run_checkpoint_age_seconds', { host }, oldest(training.map(({ checkpointAt }) => checkpointAt)));
  });
}

/** Counts, times and traces the upload of a checkpoint. */
export async function countUpload(store: Store, step: number, upload: () => Promise<Ref>): Promise<Ref> {
  const began = performance.now();
  try {
    const manifest = await inSpan('store checkpoint', { attributes: { 'assay.step': step } }, upload);
    count('assay_checkpoint_uploads_total', { result: 'ok' });
    observe('assay_checkpoint_upload_duration_seconds', {}, (performance.now() - began) / 1000);
    if (metricsOn()) {
      const { files } = await store.getJson<{ files: { size: number }[] }>(manifest);
      count(
        'assay_checkpoint_uploaded_bytes_total',
        {},
        files.reduce((sum, { size }) => sum + size, 0),
      );
    }
    return manifest;
  } catch (error) {
    // A checkpoint that the trainer replaced before it could be linked is no failure: the next one is there.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') count('assay_checkpoint_uploads_total', { result: 'error' });
    throw error;
  }
}

function look(one: Followed): void {
  const { progress } = one;
  const now = performance.now();
  if (progress.checkpointStep !== one.checkpointStep) {
    one.checkpointStep = progress.checkpointStep;
    one.checkpointAt = now;
  }
  // The first step that an attempt sees of a run that goes on is where it goes on from.
  if (one.phase === 'training' && progress.step > one.step)
    count('assay_train_steps_total', { host: progress.host }, progress.step - one.step);
  if (progress.phase !== one.phase || progress.step !== one.step) {
    one.since = now;
    one.warned = false;
    if (one.phase !== 'training' && progress.phase === 'training') one.checkpointAt = now;
  }
  one.phase = progress.phase;
  one.step = progress.step;
  if (!one.warned && now - one.since > silentMs) {
    one.warned = true;
    log.warn(`no step for ${Math.round(silentMs / 60_000)} minutes`, { phase: one.phase, step: one.step, waitingFor: progress.message });
  }
}

const phases: readonly TrainProgress['phase'][] = ['checking', 'restoring', 'starting', 'training', 'collecting'];
const lookMs = 1000;
/** After which the log names the run; the metric names none. */
const silentMs = 600_000;
