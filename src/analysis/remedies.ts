import { type Check, remedyText } from '../contract';
import type { AnalysisInput, AnalysisVariant } from './types';

/** The name is also where the report looks for what has to stand first. */
export const remediesCheck = 'remedies';

/**
 * Variants trained with different remedies against a lack of memory learned under different rules: a gate, unless the spec declared it
 * beforehand. Nothing to say where no run tells how it was trained.
 */
export function remedyChecks(input: AnalysisInput): Check[] {
  const arms = input.variants.filter((variant) => variant.pretrained !== true).map(trainedWith);
  const used = [...new Set(arms.flatMap(({ ways }) => [...ways.keys()]))];
  if (used.length === 0) return [];
  const check = { name: remediesCheck, statistic: null, pValue: null };
  if (used.length === 1) {
    const only = used[0] === '' ? 'as the spec says' : `with ${used[0]}`;
    return [{ ...check, status: 'pass', gate: true, detail: `Every run was trained ${only}.` }];
  }
  const sentence = `${arms.flatMap(({ name, ways }) => wording(name, ways)).join('; ')}.`;
  return input.unequalRemedies === true
    ? [{ ...check, status: 'warn', gate: false, detail: `Declared beforehand: ${sentence}` }]
    : [{ ...check, status: 'fail', gate: true, detail: `Variants were trained with different remedies: ${sentence}` }];
}

/** Seeds by how they were trained. */
function trainedWith({ name, runs }: AnalysisVariant): { name: string; ways: Map<string, number[]> } {
  const ways = new Map<string, number[]>();
  for (const { seed, status, conduct } of runs) {
    if (status !== 'done' || conduct === undefined) continue;
    const text = remedyText(conduct.remedy);
    ways.set(text, [...(ways.get(text) ?? []), seed]);
  }
  return { name, ways };
}

/** "cnn was trained with bf16", "mlp without"; with the seeds where they differ. */
function wording(name: string, ways: Map<string, number[]>): string[] {
  return [...ways].map(([text, seeds]) => {
    const of = ways.size === 1 ? name : `${name} seed ${seeds.join(', ')}`;
    return text === '' ? `${of} without` : `${of} was trained with ${text}`;
  });
}
