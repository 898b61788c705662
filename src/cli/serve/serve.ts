import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defaultConfig, isLoopback, readServeConfig, type ServeConfig, startApi } from '../../api';
import { configuredServer, lazyTemporal } from '../../client';
import { AssayError } from '../../contract';
import { openLog, openMetrics, startTracing } from '../../observability';
import { ensureStack } from '../../stack';
import { buildId } from '../../stack/paths';
import { homeDir, sessionStore } from '../home';
import { version } from '../version';

interface ServeOptions {
  host?: string;
  port?: number;
  config?: string;
  tokens?: string;
  tlsCert?: string;
  tlsKey?: string;
}

/** Serves until it is told to stop (SIGTERM, SIGINT). Returns the exit code. */
export async function serve(options: ServeOptions): Promise<number> {
  const stopped = toldToStop();
  const home = homeDir();
  const config = await configOf(options, home);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const stack = configuredServer() === null ? await ensureStack({ home, onStep: say }) : null;
  openLog({ pool: 'api' });
  openMetrics({ pool: 'api', version, build: buildId() });
  await startTracing('assay-api');
  const client = await lazyTemporal(stack);
  const tokens = resolve(config.tokens ?? join(home, 'tokens.json'));
  const uiUrl = stack?.uiUrl ?? process.env['ASSAY_TEMPORAL_UI'] ?? null;
  const api = await startApi({ client, store: sessionStore(), config, home, tokens, uiUrl, version });
  const access = existsSync(tokens) ? `tokens of ${tokens}` : 'programs of this host alone, without a token';
  say(`assay serves ${api.url} (${access}): pages at ${api.url}/, the API at ${api.url}/v1, its description at ${api.url}/openapi.json`);
  say(`experiments may use ${allowed(config)}`);
  await stopped;
  say('stopping');
  await api.close();
  await client.connection.close();
  return 0;
}

/** Flags, then the file, then the defaults. */
async function configOf(options: ServeOptions, home: string): Promise<ServeConfig> {
  const file = options.config ?? ['assay.config.yaml', join(home, 'assay.config.yaml')].find((path) => existsSync(path));
  const config = file === undefined ? defaultConfig() : await readServeConfig(resolve(file));
  const { host = config.host, port = config.port, tokens = config.tokens, tlsCert: cert, tlsKey: key } = options;
  if (port > 65_535) throw new AssayError('SpecInvalid', `--port: expected a number from 0 to 65535, got ${port}`);
  if ((cert === undefined) !== (key === undefined))
    throw new AssayError('SpecInvalid', 'expected --tls-cert and --tls-key together, got one of them');
  const tls = cert !== undefined && key !== undefined ? { cert, key } : config.tls;
  if (config.allow.executors.includes('process') && !isLoopback(host) && config.allow.roots.length === 0)
    throw new AssayError(
      'SpecInvalid',
      'serve.allow.executors has "process", which runs in a folder of the server: name the folders in serve.allow.roots',
    );
  return { ...config, host, port, ...(tokens === undefined ? {} : { tokens }), ...(tls === undefined ? {} : { tls }) };
}

const allowed = ({ allow }: ServeConfig): string =>
  [
    `executors ${some(allow.executors)}`,
    `images ${some(allow.images)}`,
    `data ${some(allow.sources)}`,
    `folders ${some(allow.roots)}`,
    `webhooks ${some(allow.webhooks)}`,
  ].join('; ');

const some = (entries: readonly string[]): string => (entries.length === 0 ? 'none' : entries.join(', '));

function toldToStop(): Promise<void> {
  return new Promise((told) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => told());
  });
}
