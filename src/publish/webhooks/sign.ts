import { createHmac } from 'node:crypto';

export interface Signed {
  /** Of the message, the same at every try; without a full stop, which separates it from the time in what is signed. */
  id: string;
  /** Of this try, whole seconds since 1970. */
  timestamp: number;
  body: string;
}

/** Headers of Standard Webhooks 1.0; each key gives one signature. Without keys the message is identified but not signed. */
export function webhookHeaders(keys: readonly Buffer[], { id, timestamp, body }: Signed): Record<string, string> {
  const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`);
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    ...(signatures.length === 0 ? {} : { 'webhook-signature': signatures.join(' ') }),
  };
}
