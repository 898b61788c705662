import { checkCount, checkOneOf, checkOpenProbability, checkProbability } from '../arguments';
import { groupSequentialBounds, type SpendingFunction } from './group';

/**
 * How looks pay: 'group-sequential' for planned information and new units at each look; 'always-valid' for the p values of
 * `discordantEProcess` or `alwaysValidInterval`, new units too; 'overlapping' where looks share units, valid under any dependence.
 */
export const ledgerSchemes = ['group-sequential', 'always-valid', 'overlapping'] as const;
export type LedgerScheme = (typeof ledgerSchemes)[number];

/** The rule, fixed before the first look. */
export interface LedgerPlan {
  scheme: LedgerScheme;
  /** Error over all looks; default 0.05. */
  alpha?: number;
  /** Of 'group-sequential' alone, with its defaults there. */
  sides?: 1 | 2;
  spending?: SpendingFunction;
  gamma?: number;
}

export interface Look {
  /** From 1. */
  look: number;
  /** When it was taken, as the caller writes times. */
  when: string;
  /** Fraction of the planned information in 'group-sequential', else units so far. */
  information: number;
  /** The p value seen; of as many sides as the plan has. */
  pValue: number;
  /** Alpha that this look spends, and all looks up to it. */
  alphaSpent: number;
  cumulativeAlpha: number;
  /** The look rejects where its p value is at or below this. */
  boundary: number;
  /** 'nothing-new': no information since the last look, so nothing is spent and nothing decided. */
  decision: 'reject' | 'continue' | 'nothing-new';
}

/** Plain data, so that it can be stored and shown; append with `recordLook`, which leaves the old one as it is. */
export interface AlphaLedger {
  plan: LedgerPlan & { alpha: number };
  looks: readonly Look[];
}

/** A ledger without a look, its rule checked: the way to begin one. */
export function openLedger(plan: LedgerPlan): AlphaLedger {
  checkOneOf('scheme', plan.scheme, ledgerSchemes);
  const alpha = checkOpenProbability('alpha', plan.alpha ?? 0.05);
  if (plan.scheme === 'group-sequential') groupSequentialBounds({ ...plan, information: [1] });
  return { plan: { ...plan, alpha }, looks: [] };
}

/** The ledger with one look more; throws where a look before it has rejected, since a test that is over cannot be looked at again. */
export function recordLook(ledger: AlphaLedger, seen: { when: string; information: number; pValue: number }): AlphaLedger {
  const { plan, looks } = ledger;
  const { when, information } = seen;
  const pValue = checkProbability('pValue', seen.pValue);
  if (!(information > 0 && information < Infinity)) throw new RangeError(`information must be positive and finite, got ${information}`);
  const over = looks.find(({ decision }) => decision === 'reject');
  if (over !== undefined) throw new RangeError(`look ${over.look} has rejected: the ledger takes no further look`);
  const before = looks.at(-1);
  if (plan.scheme !== 'overlapping' && information < (before?.information ?? 0))
    throw new RangeError(`information must not fall below the ${before?.information} of look ${before?.look}, got ${information}`);
  const cumulative = before?.cumulativeAlpha ?? 0;
  const look = { look: looks.length + 1, when, information, pValue };
  if (plan.scheme !== 'overlapping' && information === before?.information) {
    const nothing = { ...look, alphaSpent: 0, cumulativeAlpha: cumulative, boundary: 0, decision: 'nothing-new' as const };
    return { plan, looks: [...looks, nothing] };
  }
  const { boundary, cumulativeAlpha } = boundaryOf(ledger, information);
  const entry: Look = {
    ...look,
    alphaSpent: cumulativeAlpha - cumulative,
    cumulativeAlpha,
    boundary,
    decision: boundary > 0 && pValue <= boundary ? 'reject' : 'continue',
  };
  return { plan, looks: [...looks, entry] };
}

/** Alpha of look k where looks share units: 6 alpha / (π² k²), which adds up to alpha over all looks there could be (union bound). */
export function spendOverlapping(k: number, options: { alpha?: number } = {}): number {
  const alpha = checkOpenProbability('alpha', options.alpha ?? 0.05);
  return (6 * alpha) / (Math.PI * checkCount('k', k, 1)) ** 2;
}

function boundaryOf({ plan, looks }: AlphaLedger, information: number): { boundary: number; cumulativeAlpha: number } {
  switch (plan.scheme) {
    case 'group-sequential': {
      const informative = looks.filter(({ decision }) => decision !== 'nothing-new').map((look) => look.information);
      const bounds = groupSequentialBounds({ ...plan, information: [...informative, information] });
      return { boundary: bounds.nominalP.at(-1)!, cumulativeAlpha: bounds.cumulativeAlpha.at(-1)! };
    }
    case 'always-valid':
      // One look or a thousand cost the same.
      return { boundary: plan.alpha, cumulativeAlpha: plan.alpha };
    case 'overlapping': {
      const boundary = spendOverlapping(looks.length + 1, plan);
      return { boundary, cumulativeAlpha: (looks.at(-1)?.cumulativeAlpha ?? 0) + boundary };
    }
  }
}
