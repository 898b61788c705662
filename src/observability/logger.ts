import { AsyncLocalStorage } from 'node:async_hooks';
import { hostname } from 'node:os';
import type pinoNamespace from 'pino';
import { count } from './metrics';
import { redact, redactText } from './redact';
import { traceFields } from './traceContext';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFields = Record<string, unknown>;

/** Lines of this process: nothing before `openLog`, and never a secret. An Error belongs under the name `error`. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  fatal(message: string, fields?: LogFields): void;
  /** By the name of the level, for loggers of others that are led here. */
  write(level: LogLevel, message: string, fields?: LogFields): void;
}

let pino: pinoNamespace.Logger | null = null;
const around = new AsyncLocalStorage<LogFields>();

function write(level: LogLevel, message: string, fields: LogFields = {}): void {
  if (level === 'warn' || level === 'error' || level === 'fatal') count('assay_log_lines_total', { level });
  if (pino === null || !pino.isLevelEnabled(level)) return;
  pino[level](redact({ ...around.getStore(), ...traceFields(), ...fields }) as LogFields, redactText(message));
}

export const log: Log = {
  debug: (message, fields) => write('debug', message, fields),
  info: (message, fields) => write('info', message, fields),
  warn: (message, fields) => write('warn', message, fields),
  error: (message, fields) => write('error', message, fields),
  fatal: (message, fields) => write('fatal', message, fields),
  write,
};

/** Every line within `work` carries these fields. */
export function withLogFields<T>(fields: LogFields, work: () => T): T {
  return around.run({ ...around.getStore(), ...fields }, work);
}

/**
 * Opens the log of this process, on stderr: ASSAY_LOG_LEVEL (trace, debug, info, warn, error, fatal, silent; default info) and
 * ASSAY_LOG_FORMAT (`json`, a document a line, or `text`; default text on a terminal). What nobody catches is logged once and ends the process.
 * Returns pino's logger, for servers that take one.
 */
export function openLog(
  { pool, host = process.env.ASSAY_HOST ?? hostname() }: { pool: string; host?: string },
  env: NodeJS.ProcessEnv = process.env,
): pinoNamespace.Logger {
  const level = env.ASSAY_LOG_LEVEL || 'info';
  if (![...logLevels, 'silent'].includes(level))
    throw new Error(`ASSAY_LOG_LEVEL is "${level}"; expected ${logLevels.join(', ')} or silent`);
  const format = env.ASSAY_LOG_FORMAT || (process.stderr.isTTY ? 'text' : 'json');
  if (format !== 'json' && format !== 'text') throw new Error(`ASSAY_LOG_FORMAT is "${format}"; expected json or text`);
  // Loaded at need: the commands have no log.
  const make = require('pino') as typeof pinoNamespace;
  // At once: the last lines of a process that dies are those that are wanted.
  const lines = make.destination({ fd: 2, sync: true });
  pino = make(
    {
      level,
      base: { pool, host },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: {},
    },
    format === 'json' ? lines : { write: (line: string) => void lines.write(asText(line)) },
  );
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) process.on(event, diesOf);
  return pino;
}

export const logOpen = (): boolean => pino !== null;

/** How logs are written by this environment. */
export const logSettings = (env: NodeJS.ProcessEnv = process.env): { level: string; format: string } => ({
  level: env.ASSAY_LOG_LEVEL || 'info',
  format: env.ASSAY_LOG_FORMAT || 'json, text on a terminal',
});

function diesOf(error: unknown): void {
  log.fatal('uncaught error', { error });
  process.exit(1);
}

/** `12:00:01.234 warn  gpu@host message  key=value`; a stack on lines of its own. */
function asText(line: string): string {
  const { level, time, pool, host, msg, error, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const fields = Object.entries(rest).map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const stack = (error as { stack?: string; message?: string } | undefined)?.stack ?? (error === undefined ? '' : JSON.stringify(error));
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${String(pool)}@${String(host)} ${String(msg)}${fields.join('')}${stack ? `\n  ${stack}` : ''}\n`;
}
