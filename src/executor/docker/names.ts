import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import type { RunFile, RunKey } from '../../contract';
import { epochOf, runOf } from '../layout';

export interface Place {
  key: RunKey;
  epoch: number;
}

export const placeOf = (dir: string): Place => ({ key: runOf(dirname(resolve(dir))), epoch: epochOf(dir) });

/** One name for one epoch of a run of one home: the engine gives it away once, which is the right to start. */
export const containerName = (instance: string, { key: { experimentId, variant, seed }, epoch }: Place): string =>
  `assay-${plain(experimentId, 60)}-${plain(variant, 30)}-s${seed}-e${epoch}-${short(instance, experimentId, variant, seed, epoch)}`;

/** For turns, by the folder. */
export const turnName = (instance: string, dir: string, { experiment, variant }: RunFile): string =>
  `assay-${plain(experiment, 60)}-${plain(variant, 30)}-latency-${short(instance, resolve(dir))}`;

export const labelNames = {
  home: 'assay.home',
  experiment: 'assay.experiment',
  variant: 'assay.variant',
  seed: 'assay.seed',
  epoch: 'assay.epoch',
  lease: 'assay.lease',
  mode: 'assay.mode',
} as const;

export const labelsOf = (instance: string, lease: string, { key, epoch }: Place, mode: RunFile['mode']): Record<string, string> => ({
  [labelNames.home]: instance,
  [labelNames.experiment]: key.experimentId,
  [labelNames.variant]: key.variant,
  [labelNames.seed]: String(key.seed),
  [labelNames.epoch]: String(epoch),
  [labelNames.lease]: lease,
  [labelNames.mode]: mode,
});

const plain = (text: string, length: number): string => text.replace(/[^\w.-]/g, '_').slice(0, length);

const short = (...parts: (string | number)[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);
