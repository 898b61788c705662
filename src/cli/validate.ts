import { stringify } from 'yaml';
import { registeredPlan } from '../contract/plan';
import { readSpec } from './run';

/** Prints the resolved spec, so that nothing about the experiment is left to guess. */
export async function validate(file: string, options: { set?: string[]; json?: boolean }): Promise<void> {
  const { spec } = await readSpec(file, options);
  const { root: _root, ...resolved } = spec;
  if (options.json) {
    process.stdout.write(`${JSON.stringify(resolved, null, 2)}\n`);
    return;
  }
  const plan = registeredPlan(spec);
  const runs = spec.variants.reduce((sum, variant) => sum + (variant.model === undefined ? spec.training.seeds.length : 1), 0);
  process.stdout.write(`${stringify(resolved)}\n`);
  process.stderr.write(
    `${file} is valid: ${spec.variants.length} variants, ${runs} runs, ${plan.question} question, ${plan.test} on ${plan.primary}\n`,
  );
}
