/** Stages of an experiment, in order. */
export const stages = [
  'registering',
  'snapshot',
  'checks',
  'training',
  'latency',
  'analysis',
  'report',
  'approval',
  'done',
  'failed',
  'cancelled',
] as const;
export type Stage = (typeof stages)[number];

export const runStates = ['waiting', 'starting', 'training', 'done', 'failed', 'cancelled'] as const;
export type RunState = (typeof runStates)[number];

export const isFinal = (stage: Stage): boolean => stage === 'done' || stage === 'failed' || stage === 'cancelled';
export const isRunFinal = (state: RunState): boolean => state === 'done' || state === 'failed' || state === 'cancelled';

export const outcomes = ['adopt', 'keep', 'equivalent', 'inconclusive', 'invalid'] as const;
export type Outcome = (typeof outcomes)[number];
