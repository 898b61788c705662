import { formatBytes, formatCount } from './formatters';

interface Tally {
  objects: number;
  bytes: number;
}

/** What a scrub found, as a person says it. */
export function scrubSentence(report: {
  checked: Tally;
  repaired: readonly unknown[];
  repairable: readonly unknown[];
  damaged: readonly unknown[];
  missing: readonly unknown[];
  names: { repaired: readonly unknown[]; damaged: readonly unknown[] };
  away: readonly string[];
}): string {
  const parts = [`${formatCount(report.checked.objects)} objects (${formatBytes(report.checked.bytes)} with their copies) hashed`];
  const told = (count: number, words: string, one = words): void => {
    if (count > 0) parts.push(`${formatCount(count)} ${count === 1 ? one : words}`);
  };
  told(report.repaired.length + report.names.repaired.length, 'copies repaired', 'copy repaired');
  told(report.repairable.length, 'copies that another replica could make good', 'copy that another replica could make good');
  told(report.damaged.length, 'damaged in every replica');
  told(report.missing.length, 'missing in every replica');
  told(report.names.damaged.length, 'names that cannot be read', 'name that cannot be read');
  told(report.away.length, `replicas did not answer: ${report.away.join(', ')}`, `replica did not answer: ${report.away.join(', ')}`);
  if (parts.length === 1) parts.push('all sound');
  return `${parts.join('; ')}.`;
}

/** What a garbage collection did, or would do. */
export function gcSentence(report: {
  dryRun: boolean;
  scanned: Tally;
  reachable: Tally;
  marked: Tally;
  waiting: Tally;
  deleted: Tally;
  would: readonly { bytes: number; act: 'mark' | 'delete' }[];
  away: readonly string[];
}): string {
  const reached = `${formatCount(report.reachable.objects)} of ${formatCount(report.scanned.objects)} objects are reached by a name`;
  const away = report.away.length > 0 ? `; replicas did not answer: ${report.away.join(', ')}` : '';
  if (report.dryRun) {
    const of = (act: 'mark' | 'delete'): string => {
      const some = report.would.filter((each) => each.act === act);
      return `${formatCount(some.length)} (${formatBytes(some.reduce((sum, { bytes }) => sum + bytes, 0))})`;
    };
    return `${reached}; ${of('mark')} would be marked, ${of('delete')} deleted${away}.`;
  }
  const waiting = report.waiting.objects > 0 ? `, ${formatCount(report.waiting.objects)} wait for the end of the grace` : '';
  return `${reached}; ${formatCount(report.marked.objects)} newly marked${waiting}, ${formatCount(report.deleted.objects)} deleted (${formatBytes(report.deleted.bytes)})${away}.`;
}
