/** What is logged without the secrets in it: values under names of secrets, and credentials within texts. Errors become plain data. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value !== 'object') return value;
  if (depth > 6) return '[deeper]';
  if (value instanceof Error) return redact(plain(value), depth);
  if (value instanceof Date) return value.toISOString();
  if (Buffer.isBuffer(value)) return `${value.length} bytes`;
  if (Array.isArray(value)) return value.map((one) => redact(one, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, isSecret(name) && one !== null ? hidden : redact(one, depth + 1)]),
  );
}

export function redactText(text: string): string {
  return text
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^/\s@"'<>]+@/gi, `$1${hidden}@`)
    .replace(/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${hidden}`)
    .replace(/\b(x-amz-(?:signature|credential|security-token)|access_token|api_?key|token|secret|password)=[^&\s"']+/gi, `$1=${hidden}`)
    .replace(/\b(hooks\.slack\.com)\/\S+/gi, `$1/${hidden}`)
    .replace(/\bwhsec_[\w+/=-]+/g, hidden)
    .replace(/\bAKIA[0-9A-Z]{16}\b/g, hidden);
}

const hidden = '[redacted]';
/** `apiKey`, `AWS_SECRET_ACCESS_KEY`, `x-auth-token`, but not `tokens` or `key`. */
function isSecret(name: string): boolean {
  const words = name.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toLowerCase();
  return /(?:^|[-_.])(?:authorization|cookie|password|passwd|secret|token|(?:api|access|private|secret)[-_]?key|credentials?)$/.test(words);
}

function plain(error: Error): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  const { type, code } = error as { type?: unknown; code?: unknown };
  return {
    type: typeof type === 'string' ? type : name,
    message,
    ...(code === undefined ? {} : { code }),
    stack,
    ...(cause instanceof Error ? { cause: plain(cause) } : {}),
  };
}
