/** Largest value that may enter a workflow's history, bytes of JSON. A server's own limit terminates the workflow instead. */
export const payloadLimitBytes = 256 * 1024;

/** Of the state that the pool carries on: about 10,000 who wait. Servers refuse 2 MB. */
export const poolStateLimitBytes = 1536 * 1024;

/** The sentence for a value that is too large for a history, or null when it fits. */
export function payloadProblem(what: string, value: unknown, limit = payloadLimitBytes): string | null {
  const bytes = value === undefined ? 0 : new TextEncoder().encode(JSON.stringify(value)).length;
  return bytes > limit
    ? `${what} is ${bytes} bytes of JSON; a workflow history takes at most ${limit}. Store it as an object and pass its reference.`
    : null;
}
