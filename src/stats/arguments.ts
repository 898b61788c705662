/** Argument checks: each throws naming the argument, what was expected and what was given. */
export function checkCount(name: string, value: number, least = 0): number {
  if (!Number.isSafeInteger(value) || value < least)
    throw new RangeError(`${name} must be a whole number of at least ${least}, got ${value}`);
  return value;
}

export function checkProbability(name: string, value: number): number {
  if (!(value >= 0 && value <= 1)) throw new RangeError(`${name} must be between 0 and 1, got ${value}`);
  return value;
}

/** Strictly between 0 and 1. */
export function checkOpenProbability(name: string, value: number): number {
  if (!(value > 0 && value < 1)) throw new RangeError(`${name} must be strictly between 0 and 1, got ${value}`);
  return value;
}

export function checkPositive(name: string, value: number): number {
  if (!(value > 0 && value < Infinity)) throw new RangeError(`${name} must be a positive finite number, got ${value}`);
  return value;
}

export function checkFinite(name: string, values: ArrayLike<number>, least = 1): void {
  if (values.length < least)
    throw new RangeError(`${name} must have at least ${least} value${least === 1 ? '' : 's'}, got ${values.length}`);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== 'number' || !Number.isFinite(value)) throw new RangeError(`${name}[${i}] must be a finite number, got ${value}`);
  }
}

export function checkSameLength(nameX: string, x: ArrayLike<unknown>, nameY: string, y: ArrayLike<unknown>): void {
  if (x.length !== y.length) throw new RangeError(`${nameX} and ${nameY} must have the same length, got ${x.length} and ${y.length}`);
}

export function checkOneOf<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (!allowed.includes(value)) throw new TypeError(`${name} must be one of ${allowed.join(', ')}; got ${value}`);
  return value;
}

export function sortedCopy(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values).sort();
}
