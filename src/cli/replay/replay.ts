import { type Ingredient, type PlannedReplay, planReplay, startReplay } from '../../client';
import { AssayError, type ExperimentRecord, ids } from '../../contract';
import { homeDir, sessionStore } from '../home';
import { provenance } from '../provenance';
import { findRecord, openSession, workflowUrl } from '../session';
import { version } from '../version';
import { watchExperiment } from '../watch';
import { devicesOf, ofThisMachine } from './here';

export interface ReplayCommand {
  variant: string[];
  seed?: number[];
  rtol?: number;
  atol?: number;
  scoreTolerance?: number;
  code?: string;
  dryRun?: boolean;
  detach?: boolean;
  failOn?: string[];
  json?: boolean;
}

/** Looks for every ingredient, names all that is missing, and only then starts the replay and follows it. Returns the exit code. */
export async function replayExperiment(id: string, options: ReplayCommand): Promise<number> {
  const store = sessionStore();
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const record = await findRecord(store, id);
  const planned = await planReplay(
    store,
    record,
    { home: homeDir(), version, command: ['assay', ...process.argv.slice(2)] },
    partOf(options),
  );
  const ingredients = [...planned.ingredients, ...(await ofThisMachine(planned))];
  if (options.dryRun) return told(record, planned, ingredients, options);
  refuse(record, ingredients);
  const { client, uiUrl } = await openSession(say);
  refuse(record, await devicesOf(client, planned));
  for (const line of warnings(ingredients)) say(line);

  const { spec } = planned;
  const by = await provenance({ store, root: process.cwd(), spec: '', source: spec.data.source });
  const { experimentId } = await startReplay({ client, store }, planned, by);
  const url = workflowUrl(uiUrl, client.options.namespace, ids.experimentWorkflow(experimentId));
  say(`experiment ${experimentId}, replay of ${record.experimentId}: ${planned.input.runs.length} runs${url ? `  ${url}` : ''}`);
  if (options.detach) {
    process.stdout.write(
      options.json ? `${JSON.stringify({ experiment: experimentId, of: record.experimentId, url })}\n` : `${experimentId}\n`,
    );
    return 0;
  }
  const { json, failOn } = options;
  return watchExperiment(client, store, experimentId, { ...(json ? { json } : {}), ...(failOn ? { failOn } : {}) });
}

const partOf = ({ variant, seed, rtol, atol, scoreTolerance, code }: ReplayCommand) => ({
  ...{ variants: variant.length > 0 ? variant : undefined, seeds: seed, code },
  tolerance: {
    ...(rtol === undefined ? {} : { rtol }),
    ...(atol === undefined ? {} : { atol }),
    ...(scoreTolerance === undefined ? {} : { scores: scoreTolerance }),
  },
});

/** Throws with everything that is missing, each with its mend. */
function refuse({ experimentId }: ExperimentRecord, ingredients: readonly Ingredient[]): void {
  const missing = ingredients.filter(({ state }) => state === 'missing');
  if (missing.length === 0) return;
  const lines = missing.map(({ name, detail, mend }) => `  ${name}: ${detail}${mend === '' ? '' : `; ${mend}`}`);
  throw new AssayError('NotFound', `${experimentId} cannot be run again as it was; nothing was started. Missing:\n${lines.join('\n')}`, {
    details: { missing },
  });
}

/** What may make the outcome another, told before it does. */
const warnings = (ingredients: readonly Ingredient[]): string[] =>
  ingredients.filter(({ state }) => state === 'differs' || state === 'unknown').map(({ name, detail }) => `warning  ${name}: ${detail}`);

function told(
  { experimentId }: ExperimentRecord,
  { input }: PlannedReplay,
  ingredients: readonly Ingredient[],
  { json }: ReplayCommand,
): number {
  const missing = ingredients.some(({ state }) => state === 'missing');
  if (json)
    process.stdout.write(
      `${JSON.stringify({ schema: 'assay.replay-plan/1', of: experimentId, runs: input.runs, ingredients }, null, 2)}\n`,
    );
  else {
    process.stdout.write(`${experimentId}: ${input.runs.length} runs can${missing ? 'not' : ''} be run again\n`);
    for (const { name, state, detail, mend } of ingredients)
      process.stdout.write(`  ${state.padEnd(8)} ${name}${detail === '' ? '' : `: ${detail}`}${mend === '' ? '' : `; ${mend}`}\n`);
  }
  return missing ? 2 : 0;
}
