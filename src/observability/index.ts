export * from './logger';
export * from './metrics';
export { redact, redactText } from './redact';
export { freePort, hostAndPort, serveMetrics, type MetricsServer } from './serveMetrics';
export { clientInterceptors, traceOfHeaders } from './temporal';
export * from './traceContext';
export * from './tracing';
