import { analyse, type Analysis, type AnalysisInput } from '../../analysis';
import { AssayError, type RegisteredPlan } from '../../contract';
import { pairedBootstrapOnThreads } from '../../threads';
import { compareInput, type CompareOptions } from './input';
import { compareText } from './text';
import { type NextLook, nextLook } from './ledger';
import { withTemporaryFolder } from '../temporaryFolder';

export interface CompareResult extends Analysis {
  schema: 'assay.compare/1';
  plan: RegisteredPlan;
  rows: number;
  classes: string[];
  /** What each side was read from, in the order given: the control first. */
  inputs: { name: string; files: string[]; seeds: number[] }[];
  /** By the rows' ids, or by their order, where no input has ids. */
  pairedBy: 'id' | 'order';
  /** Of `--ledger`: the which-th look this was, at which confidence, and what it left. */
  look: { look: number; confidence: number; sentence: string } | null;
  /** What was taken for granted while reading. */
  notes: string[];
}

/** `assay compare`: the analysis of an experiment on predictions that lie in files; no server. */
export async function runCompare(options: CompareOptions): Promise<{ result: CompareResult; text: string }> {
  if (options.inputs.length < 2)
    throw new AssayError('DataInvalid', `expected two or more inputs, the control first, got ${options.inputs.length}`);
  // The scratch folder is gone before the numbers are worked out: Ctrl-C then has nothing left to clear.
  const { input, arms, notes, byOrder, scored } = await withTemporaryFolder('assay-compare-', (workDir) => compareInput(options, workDir));
  const look = options.ledger === undefined ? null : lookAt(options.ledger, input);
  const plan = look === null ? input.plan : { ...input.plan, confidence: look.confidence };
  const analysis = analyse({ ...input, plan }, { bootstrap: pairedBootstrapOnThreads });
  const result: CompareResult = {
    schema: 'assay.compare/1',
    plan,
    rows: input.ids.length,
    classes: input.classes,
    inputs: arms.map(({ name, runs }) => ({ name, files: runs.map(({ file }) => file.place), seeds: runs.map(({ seed }) => seed) })),
    pairedBy: byOrder ? 'order' : 'id',
    look: look === null ? null : { look: look.look, confidence: look.confidence, sentence: kept(look, input, analysis) },
    notes,
    ...analysis,
    // Without scores there is nothing to calibrate: the 1 of a predicted class is no confidence.
    breakdowns: analysis.breakdowns.map((each) => (scored ? each : { ...each, calibration: { control: [], variant: [] } })),
  };
  return { result, text: compareText(result) };
}

/** The next look at the same question about the same sides, whose interval pays for all looks before and after it. */
function lookAt(path: string, { plan, labels, units, variants }: AnalysisInput): NextLook {
  if (plan.test !== 'superiority' || plan.margin > 0)
    throw new AssayError('SpecInvalid', '--ledger keeps p values of no difference: expected --test superiority without a margin');
  const scores = variants.flatMap(({ runs }) => runs.flatMap((run) => (run.scores === null ? [] : [run.scores])));
  const inputs = [labels, ...(units === null ? [] : [units]), ...scores].map(
    (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
  );
  const question = `${plan.primary}: ${variants.map(({ name }) => name).join(', ')}`;
  return nextLook(path, { question, confidence: plan.confidence, inputs });
}

function kept(look: NextLook, { ids, units }: AnalysisInput, { comparisons }: Analysis): string {
  const seen = comparisons.filter(({ role }) => role === 'primary').flatMap(({ adjustedPValue, pValue }) => adjustedPValue ?? pValue ?? []);
  if (seen.length === 0) return `Look ${look.look} has no p value, so that nothing is kept and nothing spent.`;
  const information = units === null ? ids.length : new Set(units).size;
  return look.keep({ when: new Date().toISOString(), information, pValue: Math.min(...seen) });
}
