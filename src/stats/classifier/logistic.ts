import { checkFinite, checkSameLength } from '../arguments';

export interface LogisticOptions {
  /** λ of Σ loss + λ/2 |weights|²; the intercept is free. Default 1. */
  penalty?: number;
  /** Default 100. */
  iterations?: number;
  /** Ends where no derivative, by row, is beyond it; default 1e-6. */
  tolerance?: number;
}

export interface Logistic {
  intercept: number;
  weights: Float64Array;
}

/** Ridge-penalised logistic regression of side 1 against side 0; features are columns, best of one scale. */
export function fitLogistic(features: readonly ArrayLike<number>[], side: ArrayLike<number>, options: LogisticOptions = {}): Logistic {
  features.forEach((column, j) => {
    checkFinite(`features[${j}]`, column);
    checkSameLength(`features[${j}]`, column, 'side', side);
  });
  const n = side.length;
  const width = features.length;
  const matrix = new Float32Array(n * width);
  features.forEach((column, j) => {
    for (let i = 0; i < n; i++) matrix[i * width + j] = column[i]!;
  });
  return fitLogisticRows(matrix, width, Uint8Array.from(side), options);
}

/** The same of a row-major matrix. L-BFGS (Nocedal & Wright 2006, algorithm 7.4) with halving steps. */
export function fitLogisticRows(matrix: Float32Array, width: number, side: Uint8Array, options: LogisticOptions = {}): Logistic {
  const penalty = options.penalty ?? 1;
  const tolerance = (options.tolerance ?? 1e-6) * side.length;
  let at = new Float64Array(width + 1);
  let gradient = new Float64Array(width + 1);
  let value = logisticLoss(matrix, width, side, penalty, at, gradient);
  const memory: { step: Float64Array; change: Float64Array; product: number }[] = [];
  for (let iteration = 0; iteration < (options.iterations ?? 100) && largest(gradient) > tolerance; iteration++) {
    const direction = descent(gradient, memory, side.length);
    const slope = dot(direction, gradient);
    const next = new Float64Array(width + 1);
    const nextGradient = new Float64Array(width + 1);
    let length = 1;
    let nextValue = Infinity;
    for (let tries = 0; tries < 30; tries++, length /= 2) {
      for (let j = 0; j <= width; j++) next[j] = at[j]! + length * direction[j]!;
      nextValue = logisticLoss(matrix, width, side, penalty, next, nextGradient);
      if (nextValue <= value + 1e-4 * length * slope) break;
    }
    if (!(nextValue < value)) break;
    const step = next.map((x, j) => x - at[j]!);
    const change = nextGradient.map((x, j) => x - gradient[j]!);
    const product = dot(step, change);
    if (product > 0) memory.push({ step, change, product });
    if (memory.length > 8) memory.shift();
    [at, gradient, value] = [next, nextGradient, nextValue];
  }
  return { intercept: at[width]!, weights: at.slice(0, width) };
}

/** Penalised loss; writes its gradient. The intercept stands last. */
function logisticLoss(
  matrix: Float32Array,
  width: number,
  side: Uint8Array,
  penalty: number,
  at: Float64Array,
  gradient: Float64Array,
): number {
  gradient.fill(0);
  let value = 0;
  for (let i = 0, start = 0; i < side.length; i++, start += width) {
    let score = at[width]!;
    for (let j = 0; j < width; j++) score += at[j]! * matrix[start + j]!;
    const decay = Math.exp(-Math.abs(score));
    const p = score >= 0 ? 1 / (1 + decay) : decay / (1 + decay);
    value += Math.log1p(decay) + (side[i] === 1 ? Math.max(0, -score) : Math.max(0, score));
    const residual = p - side[i]!;
    for (let j = 0; j < width; j++) gradient[j]! += residual * matrix[start + j]!;
    gradient[width]! += residual;
  }
  for (let j = 0; j < width; j++) {
    value += (penalty / 2) * at[j]! ** 2;
    gradient[j]! += penalty * at[j]!;
  }
  return value;
}

function descent(gradient: Float64Array, memory: readonly { step: Float64Array; change: Float64Array; product: number }[], rows: number) {
  const direction = gradient.map((x) => -x);
  const shares = new Float64Array(memory.length);
  for (let k = memory.length - 1; k >= 0; k--) {
    const { step, change, product } = memory[k]!;
    shares[k] = dot(step, direction) / product;
    addTo(direction, change, -shares[k]!);
  }
  const last = memory[memory.length - 1];
  // The loss curves by at most a quarter a row.
  const scale = last === undefined ? 4 / rows : last.product / dot(last.change, last.change);
  for (let j = 0; j < direction.length; j++) direction[j]! *= scale;
  memory.forEach(({ step, change, product }, k) => addTo(direction, step, shares[k]! - dot(change, direction) / product));
  return direction;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!;
  return sum;
}

function addTo(target: Float64Array, source: Float64Array, factor: number): void {
  for (let j = 0; j < target.length; j++) target[j]! += factor * source[j]!;
}

function largest(values: Float64Array): number {
  let most = 0;
  for (let j = 0; j < values.length; j++) most = Math.max(most, Math.abs(values[j]!));
  return most;
}
