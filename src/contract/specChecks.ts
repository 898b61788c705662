import { metricCatalogue, type MetricName } from './metrics';
import { declaredDifferences, plainParameters, usedDeclarations } from './specParameters';
import { type Path, type Problem, shown } from './specProblems';
import type { Doubtful, Sections, SpecCheck } from './specSections';
import {
  batchForRanks,
  codeInFolder,
  commandForRanks,
  devicesForKeys,
  devicesForMetrics,
  imageOfExecutor,
  limitsOfContainer,
} from './specRuntime';
import { relativeOrAbsolute } from './specValues';

/** An algorithm's chance is in its seeds, and fewer cannot show it. */
export const fewestSeedsForAlgorithm = 5;

/** Contradictions between keys, each of which is right alone. */
export const contradictionsIn = (sections: Sections, doubtful: Doubtful): Problem[] => checks.flatMap((check) => check(sections, doubtful));

const checks: readonly SpecCheck[] = [
  oneControl,
  uniqueNames,
  uniqueItems,
  uniqueSlices,
  declaredDifferences,
  usedDeclarations,
  plainParameters,
  imageOfExecutor,
  limitsOfContainer,
  devicesForKeys,
  devicesForMetrics,
  batchForRanks,
  commandForRanks,
  codeInFolder,
  commandToRun,
  budgetToSpend,
  splitThatLeavesTraining,
  unitToSplitBy,
  momentsToSplitAt,
  reportedMetrics,
  marginForTest,
  limitsOfGuardrails,
  seedsForQuestion,
  modelToRegister,
];

function oneControl({ variants }: Sections, doubtful: Doubtful): Problem[] {
  if (variants === undefined || variants.some((_, index) => doubtful('variants', index, 'control'))) return [];
  const [first, ...more] = variants.flatMap((variant, index) => (variant.control ? [index] : []));
  if (first === undefined) {
    return [{ path: ['variants'], at: 'key', message: 'expected control: true on exactly one variant, got none' }];
  }
  return more.map((index) => ({
    path: ['variants', index, 'control'],
    at: 'key',
    message: `expected control: true on exactly one variant, got it on ${variants[first]?.name} already`,
  }));
}

function uniqueNames({ variants = [] }: Sections): Problem[] {
  return variants.flatMap(({ name }, index): Problem[] => {
    const first = variants.findIndex((variant) => variant.name === name);
    if (first === index) return [];
    return [{ path: ['variants', index, 'name'], at: 'value', message: `${shown(name)} is the name of variants[${first}] already` }];
  });
}

function uniqueSlices({ data }: Sections): Problem[] {
  const { slices } = data ?? { slices: [] };
  return slices.flatMap(({ name }, index): Problem[] => {
    const first = slices.findIndex((slice) => slice.name === name);
    if (first === index) return [];
    return [
      { path: ['data', 'slices', index, 'name'], at: 'value', message: `${shown(name)} is the name of data.slices[${first}] already` },
    ];
  });
}

function uniqueItems({ training, varies = [], evaluation, analysis }: Sections): Problem[] {
  const repeated = (path: Path, items: readonly unknown[]): Problem[] =>
    items.flatMap((item, index): Problem[] =>
      items.indexOf(item) === index ? [] : [{ path: [...path, index], at: 'value', message: `${shown(item)} is listed twice; keep one` }],
    );
  const guarded = analysis?.guardrails.map(({ metric }) => metric) ?? [];
  return [
    ...repeated(['training', 'seeds'], training?.seeds ?? []),
    ...repeated(['training', 'code'], training?.code ?? []),
    ...repeated(['training', 'outOfMemory', 'ladder'], training?.outOfMemory.ladder ?? []),
    ...repeated(['varies'], varies),
    ...repeated(['evaluation', 'metrics'], evaluation?.metrics ?? []),
    ...repeated(['analysis', 'guardrails'], guarded).map((problem) => ({
      ...problem,
      path: [...problem.path, 'metric'],
      message: problem.message.replace('is listed twice', 'has two guardrails'),
    })),
  ];
}

function commandToRun({ variants, training, evaluation }: Sections, doubtful: Doubtful): Problem[] {
  if (variants === undefined || training === undefined || evaluation === undefined) return [];
  if (doubtful('training', 'command') || doubtful('evaluation', 'command') || training.command.length > 0) return [];
  const trained = variants.find((variant) => variant.model === undefined);
  const path = ['training', 'command'];
  if (trained !== undefined) {
    return [
      { path, at: 'key', message: `missing; expected the trainer's program, since ${trained.name} is to be trained: [python, train.py]` },
    ];
  }
  if (evaluation.command !== undefined) return [];
  return [{ path, at: 'key', message: 'missing; expected this or evaluation.command, to evaluate the models with: [python, train.py]' }];
}

function budgetToSpend({ variants, training }: Sections, doubtful: Doubtful): Problem[] {
  if (variants === undefined || training === undefined || doubtful('training', 'budget')) return [];
  const trained = variants.find((variant) => variant.model === undefined);
  const { epochs, steps, wallClock } = training.budget;
  if (trained === undefined || epochs !== undefined || steps !== undefined || wallClock !== undefined) return [];
  const message = `missing; expected at least one of epochs, steps, wallClock, since ${trained.name} is to be trained: {epochs: 5}`;
  return [{ path: ['training', 'budget'], at: 'key', message }];
}

function splitThatLeavesTraining({ data }: Sections, doubtful: Doubtful): Problem[] {
  if (data === undefined || doubtful('data', 'split') || !('seed' in data.split)) return [];
  const { test, validation } = data.split;
  // 0.9 + 0.1 leaves nothing though it sums to less than 1 in binary.
  if (test + validation < 1 - 1e-9) return [];
  const message = `expected test and validation to leave rows to train on, got ${test} + ${validation}, which is 1 or more`;
  return [{ path: ['data', 'split'], at: 'key', message }];
}

function unitToSplitBy({ data }: Sections, doubtful: Doubtful): Problem[] {
  if (data === undefined || !('seed' in data.split)) return [];
  if (data.split.by !== 'unit' || data.unit !== undefined || doubtful('data', 'unit')) return [];
  const message = 'expected data.unit to name the column, since the split is by unit, got nothing';
  return [{ path: ['data', 'split', 'by'], at: 'value', message }];
}

function momentsToSplitAt({ data }: Sections, doubtful: Doubtful): Problem[] {
  if (data === undefined || !('time' in data.split) || doubtful('data', 'split')) return [];
  const { before, validationFrom } = data.split;
  const problem = (key: string, message: string): Problem => ({ path: ['data', 'split', key], at: 'value', message });
  const [end, start] = [momentIn(before), validationFrom === undefined ? undefined : momentIn(validationFrom)];
  const wanted = 'expected a date or a time such as 2024-05-31 or "2024-05-31T08:00:00Z", or a number';
  return [
    ...(end === null ? [problem('before', `${wanted}, got ${shown(before)}`)] : []),
    ...(start === null ? [problem('validationFrom', `${wanted}, got ${shown(validationFrom)}`)] : []),
    ...(end && start && (start.kind !== end.kind || start.value >= end.value)
      ? [problem('validationFrom', `expected a time before data.split.before, ${before}, got ${shown(validationFrom)}`)]
      : []),
  ];
}

/** The data room reads the same forms, to the microsecond. */
function momentIn(text: string): { kind: 'number' | 'instant'; value: number } | null {
  const plain = text.trim();
  if (plain !== '' && Number.isFinite(Number(plain))) return { kind: 'number', value: Number(plain) };
  if (!/^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?\s?(?:Z|[+-]\d{2}:?\d{2})?)?$/i.test(plain)) return null;
  const zoned = plain.length === 10 || /(?:Z|[+-]\d{2}:?\d{2})$/i.test(plain.slice(11));
  const value = Date.parse(zoned ? plain : `${plain}Z`);
  return Number.isNaN(value) ? null : { kind: 'instant', value };
}

function reportedMetrics({ evaluation, analysis }: Sections, doubtful: Doubtful): Problem[] {
  if (evaluation === undefined || analysis === undefined || doubtful('evaluation', 'metrics')) return [];
  const list = evaluation.metrics.join(', ');
  const missing = (path: Path, metric: MetricName, role: string): Problem[] =>
    evaluation.metrics.includes(metric)
      ? []
      : [{ path, at: 'value', message: `expected ${role} ${metric} to be in evaluation.metrics, got ${list}; add it there` }];
  return [
    ...(doubtful('analysis', 'primary') ? [] : missing(['analysis', 'primary'], analysis.primary, 'the primary metric')),
    ...analysis.guardrails.flatMap(({ metric }, index) => missing(['analysis', 'guardrails', index, 'metric'], metric, 'the guardrail')),
  ];
}

function marginForTest({ analysis }: Sections, doubtful: Doubtful): Problem[] {
  if (analysis === undefined || doubtful('analysis', 'margin') || doubtful('analysis', 'test')) return [];
  const path = ['analysis', 'margin'];
  if (analysis.test !== 'superiority' && relativeOrAbsolute(analysis.margin).value === 0) {
    const message = `expected a margin above 0 for ${analysis.test}, got ${shown(analysis.margin)}; say what difference would matter, such as 0.01 or "2%"`;
    return [{ path, at: 'value', message }];
  }
  return doubtful('analysis', 'primary') ? [] : possibleFraction(path, analysis.primary, analysis.margin);
}

/** A difference of fractions is below 1: `20` was meant as a percentage. */
function possibleFraction(path: Path, metric: MetricName, limit: number | string): Problem[] {
  if (typeof limit === 'string' || limit < 1 || metricCatalogue[metric].unit !== 'fraction') return [];
  const message = `expected less than 1, since ${metric} is a fraction, got ${limit}; write 0.01 for one point, or "20%" for a share of the control's value`;
  return [{ path, at: 'value', message }];
}

function limitsOfGuardrails({ analysis }: Sections, doubtful: Doubtful): Problem[] {
  return (analysis?.guardrails ?? []).flatMap((guardrail, index): Problem[] => {
    const path = ['analysis', 'guardrails', index];
    if (doubtful(...path)) return [];
    const [worse, other] =
      metricCatalogue[guardrail.metric].better === 'lower'
        ? (['maxIncrease', 'maxDecrease'] as const)
        : (['maxDecrease', 'maxIncrease'] as const);
    const limit = guardrail[worse];
    if (limit !== undefined && guardrail[other] !== undefined) {
      return [
        {
          path: [...path, other],
          at: 'key',
          message: `expected exactly one limit, got both; ${guardrail.metric} gets worse as it ${verb(worse)}, so keep ${worse}`,
        },
      ];
    }
    if (guardrail[other] !== undefined) {
      return [
        {
          path: [...path, other],
          at: 'key',
          message: `expected ${worse}, since ${guardrail.metric} gets worse as it ${verb(worse)}, got ${other}`,
        },
      ];
    }
    if (limit === undefined) {
      return [
        {
          path,
          at: 'value',
          message: `expected a limit, such as ${worse}: 20%, since ${guardrail.metric} gets worse as it ${verb(worse)}, got none`,
        },
      ];
    }
    return possibleFraction([...path, worse], guardrail.metric, limit);
  });
}

const verb = (limit: 'maxIncrease' | 'maxDecrease'): string => (limit === 'maxIncrease' ? 'rises' : 'falls');

function seedsForQuestion({ analysis, training, variants }: Sections, doubtful: Doubtful): Problem[] {
  if (analysis?.question !== 'algorithm') return [];
  const path = ['analysis', 'question'];
  const pretrained = variants?.find((variant) => variant.model !== undefined);
  if (pretrained !== undefined) {
    const message = `algorithm asks about training again, and ${pretrained.name} is an already trained model; use artifact`;
    return [{ path, at: 'value', message }];
  }
  if (training === undefined || doubtful('training', 'seeds') || training.seeds.length >= fewestSeedsForAlgorithm) return [];
  const message = `algorithm needs at least ${fewestSeedsForAlgorithm} seeds, got ${training.seeds.length}; add seeds, or use artifact`;
  return [{ path, at: 'value', message }];
}

/** What is registered has to be uploaded, and what names it is read by nothing else. */
function modelToRegister({ publish, decision }: Sections, doubtful: Doubtful): Problem[] {
  if (doubtful('publish', 'mlflow') || doubtful('decision', 'register')) return [];
  const path = ['publish', 'mlflow'];
  const registers = decision?.register === 'mlflow';
  if (publish?.mlflow?.model !== undefined && !registers) {
    const message =
      'names what decision.register adds a version to, and that is not there; add decision: {register: mlflow}, or leave it out';
    return [{ path: [...path, 'model'], at: 'key', message }];
  }
  if (registers && publish?.mlflow?.artifacts === false) {
    const message = 'false keeps the models away, and decision.register needs one; leave it out';
    return [{ path: [...path, 'artifacts'], at: 'value', message }];
  }
  return [];
}
