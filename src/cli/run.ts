import { type ReadSpec, specOfFile, submitExperiment } from '../client';
import { AssayError, ids } from '../contract';
import { unpinnedImage } from '../contract/loadSpec';
import type { Override } from '../contract/specOverrides';
import { provenance } from './provenance';
import { foreseeUnpublished } from './publish/foresee';
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

  const whence = await provenance({ store, root: spec.root, spec: '', source: spec.data.source });
  const { experimentId } = await submitExperiment({ client, store }, { spec, source: text, provenance: whence });
  const url = workflowUrl(uiUrl, client.options.namespace, ids.experimentWorkflow(experimentId));
  say(`experiment ${experimentId}${url ? `  ${url}` : ''}`);
  const unpublished = await foreseeUnpublished(spec);
  if (unpublished !== null) say(unpublished);
  if (options.detach) {
    process.stdout.write(options.json ? `${JSON.stringify({ experiment: experimentId, url })}\n` : `${experimentId}\n`);
    return 0;
  }
  return watchExperiment(client, store, experimentId, options);
}

/** The resolved spec of a file, with every problem named at its place. */
export async function readSpec(file: string, options: { seeds?: number[]; set?: string[]; gpus?: number }): Promise<ReadSpec> {
  const overrides: Override[] = (options.set ?? []).map((assignment) => {
    const at = assignment.indexOf('=');
    if (at < 1) throw new AssayError('SpecInvalid', `--set ${assignment}: expected key.path=value, e.g. --set training.batchSize=32`);
    return { path: assignment.slice(0, at), value: assignment.slice(at + 1) };
  });
  if (options.gpus !== undefined) overrides.push({ path: 'runtime.maxGpus', value: String(options.gpus), flag: `--gpus ${options.gpus}` });
  try {
    return await specOfFile(file, { overrides, seeds: options.seeds });
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
