/** sfc32: 128 bits of state, about 1 ns a draw. A stream is named by (seed, block), so that work can be shared or resumed without changing a bit. */
export class Generator {
  private a = 0;
  private b = 0;
  private c = 0;
  private counter = 1;

  constructor(seed: number, block = 0) {
    let state = splitmix(BigInt.asUintN(64, BigInt(Math.trunc(seed))) ^ 0x6a09e667f3bcc909n);
    state = splitmix(state ^ BigInt.asUintN(64, BigInt(Math.trunc(block)) * 0xd1342543de82ef95n));
    const second = splitmix(state);
    this.a = Number(state & 0xffffffffn) | 0;
    this.b = Number(state >> 32n) | 0;
    this.c = Number(second & 0xffffffffn) | 0;
    for (let i = 0; i < 12; i++) this.uint32();
  }

  uint32(): number {
    const t = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + t) | 0;
    return t >>> 0;
  }

  /** The next `count` draws, with the state in registers. */
  fill(out: Uint32Array, count: number): void {
    let a = this.a;
    let b = this.b;
    let c = this.c;
    let counter = this.counter;
    for (let i = 0; i < count; i++) {
      const t = (((a + b) | 0) + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + t) | 0;
      out[i] = t;
    }
    this.a = a;
    this.b = b;
    this.c = c;
    this.counter = counter;
  }

  /** Fills `out` up to `count` with unbiased whole numbers in [0, n), n <= 2^21 (Lemire; the product is exact in a double). */
  fillBelow(n: number, out: Uint32Array, count: number): void {
    this.fill(out, count);
    const threshold = (4294967296 - n) % n;
    for (let i = 0; i < count; i++) {
      let product = out[i]! * n;
      if (product >>> 0 < n) while (product >>> 0 < threshold) product = this.uint32() * n;
      out[i] = product / 4294967296;
    }
  }

  /** Uniform on the open interval (0, 1), 53 bits. */
  uniform(): number {
    const high = this.uint32() >>> 6;
    const low = this.uint32() >>> 5;
    return (high * 134217728 + low + 0.5) / 9007199254740992;
  }

  /** Unbiased whole number in [0, n), n <= 2^32 (Lemire's rejection, the product split into halves). */
  below(n: number): number {
    const draw = this.uint32();
    if (n <= 2097152) {
      // n * draw < 2^53 is exact in a double.
      let product = draw * n;
      let low = product >>> 0;
      if (low < n) {
        const threshold = (4294967296 - n) % n;
        while (low < threshold) {
          product = this.uint32() * n;
          low = product >>> 0;
        }
      }
      return Math.floor(product / 4294967296);
    }
    const limit = 4294967296 - (4294967296 % n);
    let value = draw;
    while (value >= limit) value = this.uint32();
    return value % n;
  }
}

function splitmix(state: bigint): bigint {
  let z = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}
