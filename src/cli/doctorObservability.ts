import { hostAndPort, logSettings, tracingWanted } from '../observability';
import type { Finding } from './doctor';

// What this environment asks for: pools that were started from another one may do otherwise.

export async function logs(): Promise<Finding> {
  const { level, format } = logSettings();
  return { name: 'Logs', ok: true, detail: `level ${level}, ${format}`, mend: null };
}

export async function traces(): Promise<Finding> {
  const name = 'Traces';
  const wanted = tracingWanted();
  if (wanted === null)
    return { name, ok: false, optional: true, detail: 'off', mend: 'set OTEL_EXPORTER_OTLP_ENDPOINT, e.g. http://127.0.0.1:4318' };
  // A GET is refused by a receiver that is there.
  const answers = await fetch(wanted.endpoint, { signal: AbortSignal.timeout(2000) }).then(
    () => true,
    () => false,
  );
  const mend = answers ? null : 'start the receiver, or correct OTEL_EXPORTER_OTLP_ENDPOINT; runs go on without it';
  return { name, ok: answers, optional: true, detail: `to ${wanted.endpoint}${answers ? '' : ', where nothing answers'}`, mend };
}

export async function metrics(): Promise<Finding> {
  const name = 'Metrics';
  const address = process.env.ASSAY_METRICS_ADDRESS;
  if (!address)
    return { name, ok: false, optional: true, detail: 'off', mend: 'set ASSAY_METRICS_ADDRESS for each pool, e.g. 127.0.0.1:9464' };
  try {
    const { host, port } = hostAndPort(address);
    const at = `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}/metrics`;
    const text = await (await fetch(at, { signal: AbortSignal.timeout(8000) })).text();
    const pool = /^assay_build_info\{.*pool="(\w+)"/m.exec(text)?.[1];
    if (pool === undefined) return { name, ok: false, optional: true, detail: `${at} is not ours`, mend: 'choose another port' };
    return { name, ok: true, detail: `${at}, pool ${pool}`, mend: null };
  } catch (error) {
    const detail = `${address}: ${error instanceof Error ? error.message : String(error)}`;
    return { name, ok: false, optional: true, detail, mend: 'start the pools with the same ASSAY_METRICS_ADDRESS' };
  }
}
