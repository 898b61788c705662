import type { Check } from '../contract';
import { count, gauge } from '../observability';
import type { GcReport, ScrubReport } from '../store';

export function countScrub({ checked, repaired, names, damaged, missing }: ScrubReport): void {
  gauge('assay_store_objects', {}, checked.objects);
  gauge('assay_store_size_bytes', {}, checked.bytes);
  gauge('assay_store_lost_objects', {}, damaged.length + missing.length);
  gauge('assay_store_scrub_last_success_timestamp_seconds', {}, Date.now() / 1000);
  count('assay_store_repaired_objects_total', {}, repaired.length + names.repaired.length);
}

export function countCollection({ deleted }: GcReport): void {
  count('assay_store_freed_objects_total', {}, deleted.objects);
  count('assay_store_freed_bytes_total', {}, deleted.bytes);
  gauge('assay_store_gc_last_success_timestamp_seconds', {}, Date.now() / 1000);
}

export function countChecks(checks: readonly Check[]): void {
  for (const { name, status, findings = [] } of checks) {
    count('assay_data_checks_total', { check: name, status });
    if (findings.some(({ alarm }) => alarm)) count('assay_drift_alarms_total', { check: name });
  }
}
