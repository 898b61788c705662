import { existsSync } from 'node:fs';

/** How to reach an MLflow server, from the variables that MLflow's own client reads. */
export interface MlflowSettings {
  /** Base address, without credentials and without a slash at its end. */
  uri: string;
  authorization: string | null;
  /** Files of the certificates to trust, and of the own one with its key. */
  ca: string | null;
  certificate: string | null;
  insecure: boolean;
}

export type MlflowEnvironment = Record<string, string | undefined>;

/** Read at each use. A `problem` is a sentence on what is missing or cannot be used, for people. */
export function mlflowSettings(env: MlflowEnvironment = process.env): MlflowSettings | { problem: string } {
  const given = env.MLFLOW_TRACKING_URI ?? '';
  if (given === '') return { problem: 'MLFLOW_TRACKING_URI is not set' };
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    // Not as it was given: there may be a password in it.
    const shown = url === null ? 'no address' : `of the kind ${url.protocol}`;
    return { problem: `MLFLOW_TRACKING_URI is ${shown}; expected that of a server, such as https://mlflow.example.org` };
  }
  const files = { ca: env.MLFLOW_TRACKING_SERVER_CERT_PATH || null, certificate: env.MLFLOW_TRACKING_CLIENT_CERT_PATH || null };
  for (const path of [files.ca, files.certificate])
    if (path !== null && !existsSync(path)) return { problem: `${path}, which MLFLOW_TRACKING_*_CERT_PATH names, is not there` };
  return {
    uri: `${url.origin}${url.pathname}`.replace(/\/+$/, ''),
    authorization: authorization(env, url),
    ...files,
    insecure: /^(?:true|1)$/i.test(env.MLFLOW_TRACKING_INSECURE_TLS ?? ''),
  };
}

/** Name and password come before a token, as in MLflow's own client. */
function authorization(env: MlflowEnvironment, url: URL): string | null {
  const user = env.MLFLOW_TRACKING_USERNAME || decoded(url.username);
  const password = env.MLFLOW_TRACKING_PASSWORD || decoded(url.password);
  if (user !== '' && password !== '') return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return env.MLFLOW_TRACKING_TOKEN ? `Bearer ${env.MLFLOW_TRACKING_TOKEN}` : null;
}

/** A `%` that begins no code stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
