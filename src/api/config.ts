import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { AssayError, bytes, seconds } from '../contract';
import { nearest } from '../contract/nearest';
import { pathText, type Path } from '../contract/specProblems';
import { readYaml } from '../contract/specYaml';

const text = z.string().min(1);
const count = z.int().positive();
const duration = z.string().regex(/^(?=.*[1-9])\d+(?:\.\d+)?\s*(?:ms|s|m|h)$/, 'expected a duration above 0 such as 30s');
const size = z.string().regex(/^(?=.*[1-9])\d+(?:\.\d+)?\s*[KM]i?B$/, 'expected a size above 0 such as 1MiB');

const allow = z
  .strictObject({
    executors: z.array(z.enum(['docker', 'process'])).default(['docker']),
    /** Names without tag and digest; `*` is any text within one part, `**` any. A local image is written as its id. */
    images: z.array(text).default([]),
    /** Beginnings of `data.source`; of s3:// at the end of a part. */
    sources: z.array(text).default(['builtin:', 'snapshot:']),
    /** `host`, `host:port` (https), or an origin such as `http://127.0.0.1:9000`. */
    webhooks: z
      .array(text.refine((entry) => originOf(entry) !== null, 'expected a host, host:port, or an origin such as http://host:port'))
      .default([]),
    /** Folders of the server whose files experiments may use. */
    roots: z.array(text).default([]),
    /** `runtime.network: true`. */
    network: z.boolean().default(false),
    /** `publish.mlflow` and `decision.register`: runs, and versions with aliases, under names that the experiment chooses. */
    publish: z.boolean().default(false),
  })
  .prefault({});

const limits = z
  .strictObject({
    body: size.default('1MiB'),
    /** Of one token, or of one address without a token. */
    requestsPerMinute: count.default(600),
    /** Until all headers, and until the whole request must have come. */
    headersTimeout: duration.default('10s'),
    requestTimeout: duration.default('30s'),
    /** Streams of events at once, in all and of one caller. */
    eventStreams: count.default(500),
    eventStreamsPerCaller: count.default(100),
    /** What a stream may have unread before it is ended. */
    eventBacklog: size.default('1MiB'),
    /** Runs (variants times seeds) of one experiment. */
    runs: count.default(1000),
  })
  .prefault({});

const serve = z
  .strictObject({
    host: text.default('127.0.0.1'),
    port: z.int().min(0).max(65_535).default(8080),
    /** File with the tokens; `assay token create` writes it. */
    tokens: text.optional(),
    tls: z.strictObject({ cert: text, key: text }).optional(),
    /** `/metrics` without a token. */
    openMetrics: z.boolean().default(false),
    allow,
    limits,
  })
  .prefault({});

const ConfigFile = z.strictObject({ serve });

export type ServeConfig = z.output<typeof serve>;
export type Allow = ServeConfig['allow'];

/** The defaults, where there is no file. */
export const defaultConfig = (): ServeConfig => ConfigFile.parse({}).serve;

/** `assay.config.yaml`, with its paths made absolute. Throws `SpecInvalid` with every problem at its place. */
export async function readServeConfig(file: string): Promise<ServeConfig> {
  const source = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new AssayError('SpecInvalid', `${file}: cannot be read (${cause.code})`, { cause });
  });
  const config = parseConfig(source, file);
  const at = (path: string): string => (isAbsolute(path) ? path : resolve(dirname(file), path));
  return {
    ...config,
    ...(config.tokens === undefined ? {} : { tokens: at(config.tokens) }),
    ...(config.tls === undefined ? {} : { tls: { cert: at(config.tls.cert), key: at(config.tls.key) } }),
    allow: { ...config.allow, roots: config.allow.roots.map(at) },
  };
}

function parseConfig(source: string, file: string): ServeConfig {
  if (source.trim() === '') return defaultConfig();
  const yaml = readYaml(source);
  const told = yaml.problems.map(({ offset, message }) => ({ offset, message }));
  const parsed = yaml.data === undefined ? null : ConfigFile.safeParse(yaml.data);
  for (const issue of parsed?.error?.issues ?? []) {
    const path = issue.path as Path;
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        const near = nearest(key, keysAt(path));
        const message = `${pathText([...path, key])}: unknown key; ${near === undefined ? `valid here: ${keysAt(path).join(', ')}` : `did you mean "${near}"?`}`;
        told.push({ offset: yaml.offsetOf([...path, key], 'key'), message });
      }
    } else told.push({ offset: yaml.offsetOf(path, 'value'), message: `${pathText(path)}: ${issue.message}` });
  }
  if (told.length === 0 && parsed?.success) return parsed.data.serve;
  const lines = told
    .map(({ offset, message }) => ({ ...yaml.position(offset), message }))
    .sort((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`);
  throw new AssayError('SpecInvalid', [`${lines.length} ${lines.length === 1 ? 'problem' : 'problems'} in ${file}`, ...lines].join('\n'));
}

/** Keys that a mapping of the file may have. */
function keysAt(path: Path): string[] {
  const sections: Record<string, z.ZodType> = { '': ConfigFile, serve, 'serve.allow': allow, 'serve.limits': limits };
  const section = sections[pathText(path)];
  if (pathText(path) === 'serve.tls') return ['cert', 'key'];
  const shape = section instanceof z.ZodPrefault ? (section.unwrap() as z.ZodObject).shape : (section as z.ZodObject | undefined)?.shape;
  return Object.keys(shape ?? {});
}

/** Null where an entry of `allow.webhooks` is none. */
export function originOf(entry: string): string | null {
  try {
    const url = new URL(entry.includes('://') ? entry : `https://${entry}`);
    const bare = url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && !entry.endsWith('/');
    return bare && /^https?:$/.test(url.protocol) ? url.origin : null;
  } catch {
    return null;
  }
}

/** Limits as numbers: bytes and milliseconds. */
export const limitsOf = ({ limits: given }: ServeConfig) => ({
  ...given,
  body: bytes(given.body),
  eventBacklog: bytes(given.eventBacklog),
  headersTimeout: seconds(given.headersTimeout) * 1000,
  requestTimeout: seconds(given.requestTimeout) * 1000,
});
