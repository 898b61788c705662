/** Logarithm and exponential made of + - * / alone, so that a seeded stream is the same in every engine. Within 2 units in the last place. */
export function portableLog(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  float[0] = x;
  let exponent = ((bits[1]! >>> 20) & 0x7ff) - 1023;
  if (exponent === -1023) {
    float[0] = x * 18014398509481984;
    exponent = ((bits[1]! >>> 20) & 0x7ff) - 1023 - 54;
  }
  bits[1] = (bits[1]! & 0x000fffff) | 0x3ff00000;
  let mantissa = float[0]!;
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent += 1;
  }
  const f = mantissa - 1;
  const s = f / (2 + f);
  const z = s * s;
  const r =
    z *
    (0.6666666666666735 +
      z *
        (0.3999999999940942 +
          z *
            (0.2857142874366239 +
              z * (0.22222198432149784 + z * (0.1818357216161805 + z * (0.15313837699209373 + z * 0.14798198605116586))))));
  const half = 0.5 * f * f;
  return exponent * 0.6931471803691238 - (half - (s * (half + r) + exponent * 1.9082149292705877e-10) - f);
}

export function portableExp(x: number): number {
  if (x < -745) return 0;
  if (x > 709) return Infinity;
  const k = Math.round(x * 1.4426950408889634);
  const high = x - k * 0.6931471803691238;
  const low = k * 1.9082149292705877e-10;
  const r = high - low;
  const t = r * r;
  const c =
    r -
    t *
      (0.16666666666666602 +
        t * (-0.0027777777777015593 + t * (6.613756321437934e-5 + t * (-1.6533902205465252e-6 + t * 4.1381367970572385e-8))));
  const y = 1 - (low - (r * c) / (2 - c) - high);
  return k > -1000 ? scale(y, k) : scale(y, k + 1000) * 9.332636185032189e-302;
}

function scale(y: number, k: number): number {
  float[0] = y;
  bits[1] = (bits[1]! + (k << 20)) >>> 0;
  return float[0]!;
}

// Little-endian word order, as on every platform Node runs on.
const float = new Float64Array(1);
const bits = new Uint32Array(float.buffer);
