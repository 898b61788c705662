import type { TrainInput } from '../contract';
import type { TrainerExit } from '../executor';
import { type TraceCarrier, count, placeSpan, recordSpan, traceParts } from '../observability';
import { workflowTrace } from './observe';

/**
 * The place of a trainer's span, below its workflow: the process outlives the attempt that starts it, and so does its place, which is told
 * to the process and recorded by whichever attempt sees its end. Null where nothing is traced.
 */
export function placeTrainer(): { at: TraceCarrier; below: TraceCarrier | null } | null {
  const below = workflowTrace();
  const at = placeSpan(below);
  return at === null ? null : { at, below };
}

/** What the process of one epoch was, once it has ended. */
export function recordTrainer(
  { key, epoch, mode, lease }: TrainInput,
  {
    trace,
    startMs,
    steps,
    exit,
    failure,
  }: {
    trace: ReturnType<typeof placeTrainer>;
    startMs: number;
    steps: number | null;
    exit: TrainerExit;
    failure: { name: string; message: string } | null;
  },
): void {
  count('assay_trainer_exits_total', { host: lease.host, result: failure?.name ?? 'ok' });
  const place = trace === null ? null : traceParts(trace.at.traceparent);
  if (trace === null || place === null || !place.sampled) return;
  recordSpan({
    name: mode,
    ...{ traceId: place.traceId, spanId: place.spanId, parent: trace.below, startMs },
    endMs: Math.max(startMs, Date.parse(exit.endedAt)),
    attributes: {
      'assay.experiment': key.experimentId,
      'assay.variant': key.variant,
      'assay.seed': key.seed,
      'assay.epoch': epoch,
      'assay.host': lease.host,
      'assay.steps': steps,
      'assay.devices': lease.devices.map(({ uuid }) => uuid).join(','),
      'process.exit.code': exit.code,
      'process.exit.signal': exit.signal,
      'process.memory.peak_bytes': exit.peakMemoryBytes,
    },
    error: failure === null ? null : `${failure.name}: ${failure.message.split('\n', 1)[0]}`,
  });
}
