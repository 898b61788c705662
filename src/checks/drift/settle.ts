import type { DriftFinding } from '../../contract';
import { adjustPValues } from '../../stats';

/** Weighs all tests of one comparison together (Benjamini-Hochberg) and says which are alarms: p and size. Alarms first, strongest first. */
export function settle(findings: readonly DriftFinding[], alpha: number): DriftFinding[] {
  const tested = findings.flatMap(({ pValue }) => (pValue === null ? [] : [pValue]));
  const adjusted = adjustPValues(tested, 'benjamini-hochberg');
  let next = 0;
  const settled = findings.map((finding) => {
    if (finding.pValue === null) return finding;
    const adjustedPValue = adjusted[next++] ?? 1;
    return { ...finding, adjustedPValue, alarm: adjustedPValue < alpha && finding.effect.value >= finding.effect.bound };
  });
  return settled.sort(
    (a, b) =>
      Number(b.alarm) - Number(a.alarm) ||
      Number(a.pValue !== null) - Number(b.pValue !== null) ||
      b.effect.value - a.effect.value ||
      (a.adjustedPValue ?? 0) - (b.adjustedPValue ?? 0) ||
      (a.column < b.column ? -1 : 1),
  );
}
