/** Root of an increasing function on the whole line: bracket by growing steps, then Chandrupatla (1997) to the last digit. */
export function solveIncreasing(f: (u: number) => number, guess: number, firstStep = 0.5): number {
  let a = guess;
  let fa = value(f, a);
  if (fa === 0) return a;
  let step = firstStep;
  let b = a;
  let fb = fa;
  for (let i = 0; i < 200 && Math.sign(fa) === Math.sign(fb); i++) {
    a = b;
    fa = fb;
    b = fb < 0 ? b + step : b - step;
    fb = value(f, b);
    step *= 2;
  }
  return chandrupatla(f, a, fa, b, fb);
}

/** Root between a and b, whose values have different signs. */
export function solveBetween(f: (u: number) => number, a: number, b: number): number {
  return chandrupatla(f, a, f(a), b, f(b));
}

function chandrupatla(f: (u: number) => number, a0: number, fa0: number, b0: number, fb0: number): number {
  let [a, fa, b, fb] = [a0, fa0, b0, fb0];
  if (fa === 0) return a;
  if (fb === 0) return b;
  let c = a;
  let fc = fa;
  let t = 0.5;
  for (let i = 0; i < 200; i++) {
    const x = a + t * (b - a);
    const fx = value(f, x);
    if (Math.sign(fx) === Math.sign(fa)) {
      c = a;
      fc = fa;
    } else {
      c = b;
      b = a;
      fc = fb;
      fb = fa;
    }
    a = x;
    fa = fx;
    const best = Math.abs(fb) < Math.abs(fa) ? b : a;
    if (Math.min(Math.abs(fa), Math.abs(fb)) === 0) return best;
    const limit = (2e-16 * Math.abs(best) + 1e-300) / Math.abs(b - c === 0 ? 1 : b - a);
    if (limit > 0.5) return best;
    const xi = (a - b) / (c - b);
    const phi = (fa - fb) / (fc - fb);
    const inverse = phi * phi < xi && (1 - phi) * (1 - phi) < 1 - xi;
    t = inverse ? (fa / (fb - fa)) * (fc / (fb - fc)) + ((c - a) / (b - a)) * (fa / (fc - fa)) * (fb / (fc - fb)) : 0.5;
    t = Math.min(1 - limit, Math.max(limit, t));
  }
  return Math.abs(fb) < Math.abs(fa) ? b : a;
}

/** log 0 at either end is a very large value of the right sign. */
function value(f: (u: number) => number, u: number): number {
  const result = f(u);
  if (result === Infinity) return 1e300;
  return result === -Infinity ? -1e300 : result;
}
