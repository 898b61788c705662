/** A stream of its own, apart from the generators under test: xoshiro128** (Blackman & Vigna 2021), named by a text and a number. */
export class Random {
  #state = new Uint32Array(4);
  #spare = NaN;

  constructor(name, index) {
    let seed = (hashOf(name) + Math.imul(index, 0x9e3779b9)) >>> 0;
    for (let i = 0; i < 4; i++) {
      seed = (seed + 0x9e3779b9) >>> 0;
      let z = Math.imul(seed ^ (seed >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      this.#state[i] = z ^ (z >>> 15);
    }
    for (let i = 0; i < 16; i++) this.#next();
  }

  /** In (0, 1), 32 bits. */
  uniform() {
    return (this.#next() + 0.5) / 4294967296;
  }

  /** Marsaglia's polar method. */
  normal() {
    if (!Number.isNaN(this.#spare)) {
      const value = this.#spare;
      this.#spare = NaN;
      return value;
    }
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const square = u * u + v * v;
      if (square >= 1 || square === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      this.#spare = v * scale;
      return u * scale;
    }
  }

  below(n) {
    return Math.floor(this.uniform() * n);
  }

  #next() {
    const s = this.#state;
    const result = Math.imul(rotated(Math.imul(s[1], 5), 7), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotated(s[3], 11);
    return result;
  }
}

const rotated = (x, k) => (x << k) | (x >>> (32 - k));

/** FNV-1a. */
function hashOf(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
