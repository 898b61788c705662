const shortest = 1000;
/** Between two questions, where many different ones are asked again and again. */
const apart = 50;

/**
 * One question to the Temporal server for all who ask the same: what readers cost it does not grow with their number. An answer is given
 * again for a second, for as long as it took, or for so long that all answers together are renewed 20 times a second, whichever is longest: a
 * server that is slow, or has much open, is asked less and never ever more.
 */
export class SharedAnswers {
  readonly #answers = new Map<string, Promise<unknown>>();

  /** The answer to `key` that is there or under way, else of `question`. An error is shared as well. */
  get<T>(key: string, question: () => Promise<T>): Promise<T> {
    const known = this.#answers.get(key) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const begun = performance.now();
    const answer = question();
    this.#answers.set(key, answer);
    const keep = () => {
      const drop = () => void (this.#answers.get(key) === answer && this.#answers.delete(key));
      setTimeout(drop, Math.max(shortest, performance.now() - begun, apart * this.#answers.size)).unref();
    };
    answer.then(keep, keep);
    return answer;
  }

  /** What was changed by us is asked anew. */
  forget(key: string): void {
    this.#answers.delete(key);
  }
}
