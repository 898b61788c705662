/** Markup that would run a script, load something or close what is open, were it taken for markup. */
export const evil = `"'></title></style></script></svg><script>hit=1</script><img src=x onerror=hit=2>`;

/** Keys whose values are words of assay's own, digests, times or pictures: everything else is somebody's text. */
const ours = new Set([
  ...['schema', 'outcome', 'role', 'claim', 'status', 'kind', 'test', 'question', 'correction', 'what', 'reading', 'scheme', 'decision'],
  ...['metric', 'primary', 'startedAt', 'finishedAt', 'createdAt', 'when', 'at', 'since', 'digest', 'record', 'spec', 'mediaType', 'uri'],
  ...['state', 'type', 'action', 'metrics', 'guardrails', 'snapshotDigest', 'timing'],
]);

/** The same value with every text of a user or a trainer ended by markup, and equal texts still equal. */
export function hostile<T>(value: T, key = ''): T {
  if (typeof value === 'string') return (ours.has(key) && !value.includes(' ') ? value : `${value}${evil}`) as T;
  if (Array.isArray(value)) return value.map((member: unknown) => hostile(member, key)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const names = key === 'params' || key === 'environment' || key === 'throttleReasons';
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      // A verdict of a slice is a word of ours, that of a result an object.
      const kept = name === 'verdict' && typeof member === 'string';
      return [names ? `${name}${evil}` : name, kept ? member : hostile<unknown>(member, name)];
    }),
  ) as T;
}
