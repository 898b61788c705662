/** Bytes that uploads of this process may hold at a time, whatever the number and size of the objects. */
export const uploadMemory = 64_000_000;

/** A budget of bytes shared by all uploads of the process, first come first served. */
export class Memory {
  #free: number;
  readonly #spare: Buffer[] = [];
  readonly #waiting: { size: number; go: () => void }[] = [];

  constructor(total: number) {
    this.#free = total;
  }

  async take(size: number): Promise<Buffer> {
    if (this.#waiting.length > 0 || size > this.#free) await new Promise<void>((go) => this.#waiting.push({ size, go }));
    else this.#free -= size;
    const spare = this.#spare.findIndex((buffer) => buffer.length === size);
    return this.#spare.splice(spare, spare < 0 ? 0 : 1)[0] ?? Buffer.allocUnsafeSlow(size);
  }

  give(buffer: Buffer): void {
    this.#free += buffer.length;
    for (let next = this.#waiting[0]; next !== undefined && next.size <= this.#free; next = this.#waiting[0]) {
      this.#free -= next.size;
      this.#waiting.shift();
      next.go();
    }
    // Big ones are used again, for collecting them lags behind: the process would hold several times the budget.
    if (buffer.length >= 1 << 20) this.#spare.push(buffer);
    while (this.#spare.reduce((sum, { length }) => sum + length, 0) > this.#free) this.#spare.shift();
  }
}

export const memory = new Memory(uploadMemory);
