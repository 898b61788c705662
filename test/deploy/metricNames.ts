import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { metricTable } from '../../src/observability/metricTable';
import { root, rules } from './tools';

/** Every series that a pool, the API, Temporal's SDK and server, and NVIDIA's exporter serve, with what a histogram adds. */
export function servedNames(): Set<string> {
  const names = new Set<string>(['up', 'ALERTS']);
  for (const { name, type } of metricTable) for (const series of type === 'histogram' ? histogram(name) : [name]) names.add(series);
  for (const rule of rules()) if (rule.record !== undefined) names.add(rule.record);
  for (const name of temporalNames()) names.add(name);
  for (const name of serverNames) for (const series of name.endsWith('latency') ? histogram(name) : [name]) names.add(series);
  for (const name of dcgmNames) names.add(name);
  return names;
}

/** Metric names in an expression: what stands before a selector, a range, an operator or the end, and is no function or keyword. */
export function namesIn(expression: string): string[] {
  const bare = expression
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ')
    .replaceAll(/\{[^}]*\}/g, ' ')
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .replaceAll(/\boffset\s+\w+/g, ' ');
  return [...bare.matchAll(/[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])/g)]
    .map(([name]) => name)
    .filter((name) => !/^(?:and|or|unless|bool|le|offset)$/.test(name));
}

const histogram = (name: string): string[] => ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`);

/** As the core of this very version names them, with the suffixes that workers/telemetry.ts asks for. */
function temporalNames(): string[] {
  const crates = join(dirname(require.resolve('@temporalio/core-bridge/package.json', { paths: [root] })), 'sdk-core', 'crates');
  const sources = readdirSync(crates, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('metrics.rs'));
  const found = sources.flatMap((file) =>
    [...readFileSync(join(crates, file), 'utf8').matchAll(/"([a-z][a-z0-9_]+)"/g)].map((match) => match[1] as string),
  );
  return found.flatMap((name) => [`temporal_${name}`, `temporal_${name}_total`, ...histogram(`temporal_${name}_seconds`)]);
}

/** Of the Temporal server 1.29.1, as `node deploy/trial.mjs` scraped it. */
const serverNames = ['service_requests', 'service_errors', 'persistence_requests', 'persistence_errors', 'persistence_latency'];

const dcgmNames = [
  'DCGM_FI_DEV_GPU_UTIL',
  'DCGM_FI_DEV_FB_USED',
  'DCGM_FI_DEV_FB_FREE',
  'DCGM_FI_DEV_GPU_TEMP',
  'DCGM_FI_DEV_POWER_USAGE',
  'DCGM_FI_DEV_XID_ERRORS',
];
