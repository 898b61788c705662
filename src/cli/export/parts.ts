export const parts = ['report', 'predictions', 'tables', 'logs', 'telemetry', 'latency', 'splits', 'code', 'models'] as const;
/** What an export may have or lack; the result and what explains it are always there. */
export type Part = (typeof parts)[number];
