const secondsPerUnit = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** Seconds of a duration such as `250ms`, `30s`, `10m`, `2h`, `1d`. */
export function seconds(duration: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(duration);
  if (match === null) throw new RangeError(`expected a duration such as 30s, 10m, 2h, got ${JSON.stringify(duration)}`);
  return Number(match[1]) * secondsPerUnit[match[2] as keyof typeof secondsPerUnit];
}

const bytesPerUnit = { KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;

/** Bytes of a size such as `512MiB`, `8GiB`, `1GB`. */
export function bytes(size: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]i?B)$/.exec(size);
  if (match === null) throw new RangeError(`expected a size such as 512MiB, 8GiB, 1GB, got ${JSON.stringify(size)}`);
  return Math.round(Number(match[1]) * bytesPerUnit[match[2] as keyof typeof bytesPerUnit]);
}

/** How many checkpoints of a run are kept, and for how long. */
export const retention = ({ training }: { training: { keepCheckpoints: number; keepCheckpointsFor?: string | undefined } }) => ({
  count: training.keepCheckpoints,
  seconds: training.keepCheckpointsFor === undefined ? null : seconds(training.keepCheckpointsFor),
});

/** What `relativeOrAbsolute` takes, in words. */
export const share = 'a number of at least 0, or a share such as "20%"';

/** `0.01` is absolute, in the metric's unit; `"20%"` is the fraction 0.2 of the control's value. */
export function relativeOrAbsolute(value: number | string): { value: number; relative: boolean } {
  if (typeof value === 'number') return { value, relative: false };
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(value);
  if (match === null) throw new RangeError(`expected ${share}, got ${JSON.stringify(value)}`);
  return { value: Number(match[1]) / 100, relative: true };
}

interface Parameterised {
  training: { params: Record<string, unknown> };
  variants: { name: string; params: Record<string, unknown> }[];
}

/** What a variant's trainer gets as `params`: `training.params`, each key replaced by the variant's own where it has one. */
export function effectiveParams(spec: Parameterised, variantName: string): Record<string, unknown> {
  const variant = spec.variants.find((candidate) => candidate.name === variantName);
  if (variant === undefined) {
    throw new RangeError(`expected one of ${spec.variants.map((candidate) => candidate.name).join(', ')}, got ${variantName}`);
  }
  return { ...spec.training.params, ...variant.params };
}

/** A path of the spec as the system opens it: relative ones start from `root`. */
export const fromRoot = (root: string, path: string): string =>
  path.startsWith('/') ? path : `${root.replace(/\/$/, '')}/${path.replace(/^(?:\.\/)+/, '')}`;
