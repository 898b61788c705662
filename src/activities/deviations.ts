import type { Approval, AuditEntry, Check, RegisteredPlan, Result } from '../contract';

/** What people changed of the registered plan while it ran, and what that does to the error rate; nothing where they changed nothing. */
export function planChecks(
  { addedSeeds = [], stopped = [], correction, confidence }: RegisteredPlan,
  audit: readonly AuditEntry[],
): Check[] {
  const entries = (action: AuditEntry['action']): string =>
    audit
      .filter((entry) => entry.action === action)
      .map(({ by, at, reason }) => `${by} at ${at}${reason === '' ? '' : ` (${reason})`}`)
      .join('; ');
  const alpha = `${Number((100 * (1 - confidence)).toPrecision(4))} %`;
  const sentences = [
    ...(stopped.length === 0
      ? []
      : [
          `Stopped while it ran, and not compared: ${stopped.join(', ')}, by ${entries('stopVariant')}. Whoever stopped it may have looked, so ${
            correction === 'none'
              ? 'what is left was chosen after a look, and no correction was registered that would pay for it.'
              : 'the correction still counts every registered candidate.'
          }`,
        ]),
    ...(addedSeeds.length === 0
      ? []
      : [
          `Seeds added while it ran, beyond the registered ones: ${addedSeeds.join(', ')}, by ${entries('addSeeds')}. Where somebody had looked at results before, a difference that is none is found oftener than in ${alpha} of experiments.`,
        ]),
  ];
  if (sentences.length === 0) return [];
  return [
    {
      name: 'plan-followed',
      status: 'warn',
      gate: false,
      statistic: stopped.length + addedSeeds.length,
      pValue: null,
      detail: sentences.join(' '),
    },
  ];
}

/** The result as it is after a person has decided on it: the numbers and the outcome stay, what is shipped does not. */
export function withDecision(result: Result, approval: Approval, audit: AuditEntry[]): Result {
  const { verdict } = result;
  if (approval.state !== 'rejected') return { ...result, approval, audit };
  const sentence = `${verdict.sentence}. Rejected by ${approval.by}: ${approval.reason}. Nothing is to be shipped`;
  return { ...result, approval, audit, verdict: { ...verdict, variant: null, sentence } };
}
