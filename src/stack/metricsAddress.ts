/** The pools of one host cannot share a port: each has the one after that of the pool before it. Nothing where metrics are off. */
export function metricsAddress(env: NodeJS.ProcessEnv, place: number): NodeJS.ProcessEnv {
  const [, host, port] = /^(.*):(\d+)$/.exec(env.ASSAY_METRICS_ADDRESS ?? '') ?? [];
  return host === undefined || Number(port) === 0 ? {} : { ASSAY_METRICS_ADDRESS: `${host}:${Number(port) + place}` };
}
