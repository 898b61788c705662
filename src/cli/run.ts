import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { snapshotCode, startExperiment } from '../client';
import { AssayError, type ProvenanceObject, type ResolvedSpec, ids } from '../contract';
import { loadSpec, unpinnedImage } from '../contract/loadSpec';
import type { Override } from '../contract/specOverrides';
import { provenance } from './provenance';
import { openSession, workflowUrl } from './session';
import { type WatchOptions, watchExperiment } from './watch';

export interface RunOptions extends WatchOptions {
  seeds?: number[];
  set?: string[];
  gpus?: number;
  detach?: boolean;
}

/** Starts an experiment and follows it to its verdict. Returns the exit code. */
export async function runExperiment(file: string, options: RunOptions): Promise<number> {
  const { spec, text } = await readSpec(file, options);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const { client, store, uiUrl } = await openSession(say);

  const experimentId = ids.experiment(spec.name, new Date(), randomBytes(2).toString('hex'));
  const specRef = await store.putJson(spec);
  const record: ProvenanceObject = {
    ...(await provenance({ store, root: spec.root, spec: specRef.digest, source: spec.data.source })),
    source: text,
  };
  const input = { experimentId, spec: specRef, provenance: await store.putJson(record), code: await snapshotCode(store, spec) };
  await startExperiment(client, input, { name: spec.name, hypothesis: spec.hypothesis ?? null });

  const url = workflowUrl(uiUrl, client.options.namespace, ids.experimentWorkflow(experimentId));
  say(`experiment ${experimentId}${url ? `  ${url}` : ''}`);
  if (options.detach) {
    process.stdout.write(options.json ? `${JSON.stringify({ experiment: experimentId, url })}\n` : `${experimentId}\n`);
    return 0;
  }
  return watchExperiment(client, store, experimentId, options);
}

/** The resolved spec of a file, with every problem named at its place. */
export async function readSpec(
  file: string,
  options: { seeds?: number[]; set?: string[]; gpus?: number },
): Promise<{ spec: ResolvedSpec; text: string }> {
  const path = resolve(file);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new AssayError(
      'SpecInvalid',
      `${file}: cannot be read (${(cause as NodeJS.ErrnoException).code}); \`assay init\` writes a template`,
      { cause },
    );
  }
  const overrides: Override[] = (options.set ?? []).map((assignment) => {
    const at = assignment.indexOf('=');
    if (at < 1) throw new AssayError('SpecInvalid', `--set ${assignment}: expected key.path=value, e.g. --set training.batchSize=32`);
    return { path: assignment.slice(0, at), value: assignment.slice(at + 1) };
  });
  if (options.gpus !== undefined) overrides.push({ path: 'runtime.maxGpus', value: String(options.gpus), flag: `--gpus ${options.gpus}` });
  try {
    const seeds = options.seeds ? { seeds: options.seeds } : {};
    return { spec: loadSpec(text, { file, root: dirname(path), overrides, exists: existsSync, ...seeds }), text };
  } catch (error) {
    throw await withDigest(error);
  }
}

/** An image named by a tag is refused; where an engine here knows its digest, the error says what to write. */
async function withDigest(error: unknown): Promise<unknown> {
  const image = unpinnedImage(error);
  if (image === null) return error;
  const { pinOf } = await import('../executor/index.js');
  const pin = await pinOf(image).catch(() => null);
  if (pin === null) return error;
  const { type, message, details } = error as AssayError;
  return new AssayError(type, `${message}\nruntime.image: write ${pin}`, { cause: error, ...(details ? { details } : {}) });
}
