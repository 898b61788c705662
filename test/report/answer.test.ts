import { type Comparison, outcomes, type Result } from '../../src/contract';
import { answer, invalidReasons, overturn } from '../../src/report';
import { makeResult } from './fixture';

/** One candidate, so that the verdict's subject is plain; `verdict` as the rule of src/analysis would word it. */
function resultOf(verdict: Partial<Result['verdict']>, change: (result: Result) => void = () => undefined): Result {
  const result = makeResult({ candidates: ['cnn'] });
  Object.assign(result.verdict, { harm: false, variant: null, reasons: [] }, verdict);
  result.breakdowns = [];
  result.checks = result.checks.filter(({ status }) => status === 'pass');
  const primary = result.comparisons[0] as Comparison;
  Object.assign(primary, { difference: 0.021, low: 0.008, high: 0.034 });
  result.comparisons = [primary];
  result.plan.guardrails = [];
  change(result);
  return result;
}

const adopt = {
  outcome: 'adopt',
  variant: 'cnn',
  sentence: 'cnn is better than logistic: +2.1 pp accuracy (95 % interval +0.8 to +3.4); adopt',
} as const;

const cost = (metric: string, ratio: [number, number, number], of = 100): Comparison => {
  const [estimate, low, high] = ratio;
  const base = makeResult({ candidates: ['cnn'] }).comparisons[1] as Comparison;
  const about = { metric, difference: of * (estimate - 1), low: of * (low - 1), high: of * (high - 1) };
  return { ...base, ...about, ratio: { estimate, low, high }, role: 'secondary', notes: [] };
};

describe('the answer', () => {
  test('adds memory, training time and latency to the verdict’s sentence where their intervals exclude none', () => {
    const result = resultOf(adopt, ({ comparisons }) => {
      comparisons.push(
        cost('peak_memory', [0.82, 0.8, 0.84]),
        cost('training_seconds', [0.77, 0.7, 0.85]),
        cost('latency_p95', [3.14, 3, 3.3]),
      );
    });
    expect(answer(result)).toBe(
      'cnn is better than logistic: +2.1 pp accuracy (95 % interval +0.8 to +3.4), 18 % less memory, 23 % faster training, 3.1 times the p95 latency; adopt',
    );
  });

  test('claims no speed where the interval includes none, and says that it is open', () => {
    const result = resultOf(adopt, ({ comparisons }) => {
      comparisons.push(
        cost('peak_memory', [1.004, 1.002, 1.006]),
        cost('training_seconds', [0.9, 0.7, 1.1]),
        cost('energy', [0.9, 0.7, 1.1]),
      );
    });
    expect(answer(result)).toContain(', under 1 % more memory, training time and energy not settled; adopt');
    expect(answer(result)).not.toContain('faster');
  });

  test('says nothing of a cost that is confounded', () => {
    const result = resultOf(adopt, ({ comparisons }) => {
      comparisons.push({ ...cost('training_seconds', [0.77, 0.7, 0.85]), notes: ['Confounded: the control was throttled.'] });
    });
    expect(answer(result)).toBe(adopt.sentence);
  });

  test('takes the share from the control’s value where the comparison has no ratio', () => {
    const result = resultOf(adopt, ({ comparisons, variants }) => {
      comparisons.push({ ...cost('peak_memory', [0.75, 0.7, 0.8], 2000), ratio: null });
      const control = variants[0] as Result['variants'][number];
      control.metrics['peak_memory'] = { estimate: 2000, low: null, high: null, method: 'mean' };
    });
    expect(answer(result)).toContain(', 25 % less memory; adopt');
  });

  test('says nothing of a cost that is the primary metric itself, has no interval, or belongs to another candidate', () => {
    const result = resultOf(adopt, ({ comparisons }) => {
      comparisons.push({ ...cost('peak_memory', [0.8, 0.7, 0.9]), low: null, high: null, ratio: null });
      comparisons.push({ ...cost('training_seconds', [0.8, 0.7, 0.9]), variant: 'other' });
    });
    expect(answer(result)).toBe(adopt.sentence);
  });

  test.each([
    ['keep', 'cnn is not better than logistic: +0.1 pp accuracy; keep logistic', '; keep logistic'],
    ['equivalent', 'cnn and logistic are equivalent within 1 pp: +0.1 pp accuracy; equivalent', '; equivalent'],
    ['inconclusive', 'cnn against logistic is open: +0.4 pp accuracy; inconclusive', '; inconclusive'],
  ] as const)('puts what a candidate costs before the last word of %s', (outcome, sentence, last) => {
    const result = resultOf({ outcome, sentence }, ({ comparisons }) => comparisons.push(cost('peak_memory', [0.8, 0.7, 0.9])));
    expect(answer(result)).toBe(`${sentence.slice(0, -last.length)}, 20 % less memory${last}`);
  });

  test('has the minus of every other number, and leaves hyphens of names alone', () => {
    const sentence = 'cnn-2 against logistic is open: -0.4 pp accuracy (95 % interval -1.2 to +0.4); inconclusive';
    expect(answer(resultOf({ outcome: 'inconclusive', sentence }))).toBe(
      'cnn-2 against logistic is open: −0.4 pp accuracy (95 % interval −1.2 to +0.4); inconclusive',
    );
  });

  test('of an invalid comparison is the reason alone, without a number', () => {
    const sentence = 'The comparison is invalid: 37 rows are in both.';
    const result = resultOf({ outcome: 'invalid', sentence }, ({ comparisons }) => comparisons.push(cost('peak_memory', [0.8, 0.7, 0.9])));
    expect(answer(result)).toBe(sentence);
  });

  test('of a sentence of another version is kept whole', () => {
    const result = resultOf({ ...adopt, sentence: 'Adopt cnn: it is better.' }, ({ comparisons }) =>
      comparisons.push(cost('peak_memory', [0.8, 0.7, 0.9])),
    );
    expect(answer(result)).toBe('Adopt cnn: it is better; 20 % less memory');
  });

  test('speaks of the candidate that the verdict names where none is adopted', () => {
    const result = resultOf({ outcome: 'keep', sentence: 'cnn2 is not better than logistic: x; keep logistic' }, ({ comparisons }) => {
      comparisons.push({ ...(comparisons[0] as Comparison), variant: 'cnn2' });
      comparisons.push(cost('peak_memory', [0.5, 0.4, 0.6]), { ...cost('peak_memory', [0.8, 0.7, 0.9]), variant: 'cnn2' });
    });
    expect(answer(result)).toContain('20 % less memory');
  });
});

describe('why it is not valid', () => {
  test('are the failed gates, by name, and nothing else', () => {
    const result = resultOf({ outcome: 'invalid', sentence: 'x', reasons: ['y'] }, ({ checks }) => {
      checks.push({ name: 'overlap', status: 'fail', gate: true, statistic: 37, pValue: null, detail: '37 rows are in both.' });
      checks.push({ name: 'drift', status: 'fail', gate: false, statistic: 1, pValue: null, detail: 'moved' });
    });
    expect(invalidReasons(result)).toEqual(['overlap: 37 rows are in both.']);
    expect(overturn(result)).toEqual(['overlap: Take the shared rows out of the source, or split by the unit they belong to.']);
  });

  test('are the reasons of the verdict where no check tells, and none of a valid comparison', () => {
    expect(invalidReasons(resultOf({ outcome: 'invalid', reasons: ['why'] }))).toEqual(['why']);
    expect(invalidReasons(resultOf(adopt))).toEqual([]);
  });
});

describe('what could overturn it', () => {
  const first = (result: Result): string | undefined => overturn(result)[0];
  const primary = (result: Result, numbers: Partial<Comparison>): void => void Object.assign(result.comparisons[0] as Comparison, numbers);

  test('begins with the near end of the interval against the margin, counted in rows where they are few', () => {
    expect(first(resultOf(adopt))).toBe(
      'The near end of the interval, +0.80 pp, clears the margin of +0.50 pp by 0.30 pp, 1.1 of 359 test rows.',
    );
    const plain = resultOf(adopt, (result) => {
      result.plan.margin = 0;
      primary(result, { n: 1e6 });
    });
    expect(first(plain)).toBe('The near end of the interval, +0.80 pp, clears zero by 0.80 pp.');
  });

  test('says how far an open interval is from either answer, and how far a kept control is from losing', () => {
    const open = resultOf({ outcome: 'inconclusive', sentence: 'open' }, (result) => primary(result, { low: -0.002, high: 0.012 }));
    expect(first(open)).toBe(
      'The 95 % interval, −0.20 pp to +1.20 pp, holds the margin of +0.50 pp: its lower end is 0.70 pp from a better answer, its upper end 0.70 pp from a worse one.',
    );
    const keep = resultOf({ outcome: 'keep', sentence: 'keep' }, (result) => primary(result, { low: -0.02, high: 0.001 }));
    expect(first(keep)).toBe(
      'The near end of the interval, +0.10 pp, stays short of the margin of +0.50 pp by 0.40 pp, 1.4 of 359 test rows.',
    );
  });

  test('turns a metric where lower is better, and reads a relative margin off the ratio', () => {
    const loss = resultOf(adopt, (result) => {
      Object.assign(result.plan, { primary: 'log_loss', margin: 0, test: 'superiority' });
      primary(result, { metric: 'log_loss', difference: -0.05, low: -0.08, high: -0.02 });
    });
    expect(first(loss)).toBe('The near end of the interval, −0.020 nats, clears zero by 0.020 nats.'.replaceAll(' nats', ''));
    const relative = resultOf(adopt, (result) => {
      Object.assign(result.plan, { primary: 'latency_p95', margin: 0.1, marginRelative: true });
      primary(result, { metric: 'latency_p95', ratio: { estimate: 0.8, low: 0.75, high: 0.85 } });
    });
    expect(first(relative)).toBe('The near end of the interval, −15 %, clears the margin of −10 % by 5 %.');
  });

  test('of equivalence is the end nearest to either margin', () => {
    const equal = resultOf({ outcome: 'equivalent', sentence: 'same' }, (result) => {
      Object.assign(result.plan, { test: 'equivalence', margin: 0.01 });
      primary(result, { low: -0.009, high: 0.004, n: 1e6 });
    });
    expect(first(equal)).toBe('The near end of the interval, −0.90 pp, clears the margin of 1.00 pp by 0.10 pp.');
  });

  test('tells guardrails close to their bound, open and broken, and not those far from it', () => {
    const rails = (low: number, high: number): string[] =>
      overturn(
        resultOf(adopt, (result) => {
          result.plan.guardrails = [{ metric: 'latency_p95', limit: 0.2, relative: true }];
          result.comparisons.push({ ...cost('latency_p95', [1, low, high]), role: 'guardrail' });
        }),
      ).filter((line) => line.startsWith('Guardrail'));
    expect(rails(0.9, 1.05)).toEqual([]);
    expect(rails(1.1, 1.18)).toEqual([
      'Guardrail p95 latency is close to its bound: the interval reaches +18 %, where 20 % worse is allowed.',
    ]);
    expect(rails(1.1, 1.25)).toEqual(['Guardrail p95 latency is open: the interval reaches +25 %, where 20 % worse is allowed.']);
    expect(rails(1.22, 1.4)).toEqual(['Guardrail p95 latency is broken: the interval ends at +22 %, where 20 % worse is allowed.']);
  });

  test('calls a guardrail that is confounded open, whatever its interval, and shows a limit as it is registered', () => {
    const rail = (limit: number, [low, high]: [number, number], notes: string[] = []): string[] =>
      overturn(
        resultOf(adopt, (result) => {
          result.plan.guardrails = [{ metric: 'latency_p95', limit, relative: true }];
          result.comparisons.push({ ...cost('latency_p95', [1, low, high]), role: 'guardrail', notes });
        }),
      ).filter((line) => line.startsWith('Guardrail'));
    expect(rail(0.2, [1.3, 1.4], ['Confounded: b was throttled.'])).toEqual([
      'Guardrail p95 latency is open, since it is confounded: b was throttled.',
    ]);
    expect(rail(0.125, [1.1, 1.126])).toEqual([
      'Guardrail p95 latency is open: the interval reaches +12.6 %, where 12.5 % worse is allowed.',
    ]);
  });

  test('counts the one run of a model that was trained before for every seed', () => {
    const result = resultOf(adopt, ({ comparisons, variants }) => {
      const [control, cnn] = variants as [Result['variants'][number], Result['variants'][number]];
      control.runs = control.runs.slice(0, 1);
      const before = control.runs[0]?.metrics['accuracy'] ?? 0;
      cnn.runs.forEach((run, i) => Object.assign(run.metrics, { accuracy: before + (i === 4 ? -0.01 : 0.02) }));
      Object.assign(comparisons[0] as Comparison, { claim: 'artifact', notes: [] });
    });
    expect(overturn(result).slice(1, 3)).toEqual([
      'It holds for these trained models, of 5 seeds, not for training them again.',
      '1 of 5 seeds does not go that way: seed 5 −1.00 pp.',
    ]);
  });

  test('tells few seeds, seeds that go the other way, methods that disagree and metrics that are worse', () => {
    const result = resultOf(adopt, ({ comparisons, variants }) => {
      const [control, cnn] = variants as [Result['variants'][number], Result['variants'][number]];
      for (const arm of [control, cnn]) arm.runs = arm.runs.slice(0, 3);
      const [before, after] = [control.runs[1], cnn.runs[1]];
      if (before && after) after.metrics['accuracy'] = (before.metrics['accuracy'] ?? 0) - 0.004;
      Object.assign(comparisons[0] as Comparison, {
        claim: 'artifact',
        notes: ['A check: The two disagree about 0, so the answer is a close one.'],
      });
      comparisons.push({ ...cost('log_loss', [1.1, 1.05, 1.2], 1), ratio: null, claim: 'algorithm' });
    });
    expect(overturn(result).slice(1)).toEqual([
      'It holds for these trained models, of 3 seeds, not for training them again, which takes 5 seeds.',
      '1 of 3 seeds does not go that way: seed 2 −0.40 pp.',
      'A check: The two disagree about 0, so the answer is a close one.',
      'log loss is worse: +0.100, interval [+0.050, +0.200].',
    ]);
  });

  test('tells few units, reversals, unequal failures, changes of the plan and moved data', () => {
    const result = resultOf(adopt, (made) => {
      const rich = makeResult({ candidates: ['cnn'] });
      made.breakdowns = rich.breakdowns;
      made.checks = rich.checks;
      Object.assign(made.plan, { addedSeeds: [6, 7], stopped: ['forest'] });
      const lost = made.variants[1]?.runs[4];
      if (lost) Object.assign(lost, { status: 'failed', metrics: {}, failure: { type: 'TrainerFailed', message: 'x' } });
    });
    const told = overturn(result).join('\n');
    expect(told).toContain('The difference hangs on few');
    expect(told).toContain('cnn is worse where');
    expect(told).toContain('Runs failed unequally: logistic 0 of 5, cnn 1 of 5.');
    expect(told).toContain('Seeds 6, 7 were added while it ran');
    expect(told).toContain('forest was stopped while it ran and not compared.');
    expect(told).toContain('drift: 2 of 3 columns differ');
  });

  test.each(outcomes)('of a result of %s without any comparison is no error', (outcome) => {
    const result = resultOf({ outcome, sentence: 'nothing' }, (made) => void (made.comparisons = []));
    expect(answer(result)).toBe('nothing');
    expect(overturn(result)).toEqual([]);
  });
});
