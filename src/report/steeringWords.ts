import type { AuditEntry, Result } from '../contract';
import { formatTime } from './formatters';

export const steeringTitle = 'What was done to it while it ran';

/** Where the verdict stands that needs a person, in a sentence; null where it needs nobody. */
export function approvalSentence({ approval, experiment }: Result): string | null {
  // Results of earlier versions have none.
  if (!approval) return null;
  if (approval.state === 'waiting')
    return `It waits for approval: assay approve ${experiment}, or assay reject ${experiment} --reason TEXT. Until then nothing is to be shipped.`;
  const who = `${approval.by} on ${formatTime(approval.at ?? '')}${approval.reason === '' ? '' : `: ${approval.reason}`}`;
  return approval.state === 'approved' ? `Approved by ${who}` : `Rejected by ${who}. Nothing is to be shipped.`;
}

/** In the order in which it was done. */
export const auditOf = (result: Result): { entry: AuditEntry; when: string; did: string }[] =>
  // Results of earlier versions have none.
  ((result.audit as AuditEntry[] | undefined) ?? []).map((entry) => ({
    entry,
    when: formatTime(entry.at),
    did: `${verbs[entry.action]}: ${entry.detail}`,
  }));

const verbs: Record<AuditEntry['action'], string> = {
  pause: 'paused',
  resume: 'resumed',
  approve: 'approved',
  reject: 'rejected',
  stopVariant: 'stopped a variant',
  addSeeds: 'added seeds',
  changePriority: 'changed the class',
};
