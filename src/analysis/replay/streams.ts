/** What a finished run leaves that a repetition can be compared with. */
export interface RunStreams {
  /** By step, in their order. A loss that JSON cannot write is null. */
  loss: Map<number, number | null>;
  /** Digest of the ids of each step's rows; empty where the trainer does not say it. */
  order: Map<number, string>;
  /** Digest of the trainer's state after some steps; empty where the trainer does not say it. */
  checkpoint: Map<number, string>;
  predictions: Predictions;
  environment: Record<string, unknown>;
}

export interface Predictions {
  ids: ArrayLike<string | number | bigint>;
  /** A row an id and a column a class. */
  scores: ArrayLike<number>;
  classes: number;
}

/** Of parsed events, in the order of the file; one that comes again after a resume replaces the one before. */
export function stepStreams(events: Iterable<Record<string, unknown>>): Pick<RunStreams, 'loss' | 'order' | 'checkpoint'> {
  const streams = { loss: new Map<number, number | null>(), order: new Map<number, string>(), checkpoint: new Map<number, string>() };
  for (const { type, step, loss, order, digest, not_finite: bad } of events) {
    if (typeof step !== 'number') continue;
    if (type === 'step' && typeof loss === 'number') streams.loss.set(step, loss);
    else if (type === 'step' && (loss === null || (Array.isArray(bad) && bad.includes('loss')))) streams.loss.set(step, null);
    if (type === 'step' && typeof order === 'string') streams.order.set(step, order);
    if (type === 'state' && typeof digest === 'string') streams.checkpoint.set(step, digest);
  }
  return streams;
}
