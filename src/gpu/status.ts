import type { DeviceHealth } from '../contract';
import type { Row } from './csv';
import { harmfulReasons, reasonFields, throttledIn } from './fields';
import type { Details } from './text';

/** What is asked for inventory and checks. */
export const statusFields: readonly string[] = [
  'uuid',
  'name',
  'pci.bus_id',
  'driver_version',
  'mig.mode.current',
  'memory.total',
  'memory.used',
  'memory.free',
  'temperature.gpu',
  'temperature.gpu.tlimit',
  'ecc.errors.uncorrected.volatile.total',
  'retired_pages.pending',
  'remapped_rows.pending',
  'remapped_rows.failure',
  ...reasonFields,
];

/** `aside`: the device must not be used until it is gone; else only a thing to know. */
export interface Finding {
  sentence: string;
  aside: boolean;
}

/** What is wrong with a device, as its sensors and counters say. */
export function judge(row: Row, details: Details | undefined): Finding[] {
  const loss = row.loss();
  if (loss !== null) return [{ sentence: loss, aside: true }];
  const reasons = throttledIn(row);
  return [...memoryFaults(row), ...heat(row, details), ...slowing(reasons), ...unreadable(row)];
}

export function healthOf(findings: readonly Finding[]): DeviceHealth {
  const state = findings.some(({ aside }) => aside) ? 'faulty' : findings.length > 0 ? 'suspect' : 'healthy';
  return { state, reasons: findings.map(({ sentence }) => sentence) };
}

function memoryFaults(row: Row): Finding[] {
  const found: string[] = [];
  const errors = row.number('ecc.errors.uncorrected.volatile.total') ?? 0;
  if (errors > 0) found.push(`${errors} uncorrected memory errors since the driver was loaded: reset the device, or restart the host`);
  if (row.flag('retired_pages.pending', 'Yes', 'No') === true) found.push('memory pages wait to be retired: restart the host');
  if (row.flag('remapped_rows.pending', 'Yes', 'No') === true)
    found.push('faulty memory rows wait to be remapped: reset the device, or restart the host');
  if (row.flag('remapped_rows.failure', 'Yes', 'No') === true)
    found.push('faulty memory rows could not be remapped: the device must be replaced');
  return found.map((sentence) => ({ sentence, aside: true }));
}

function heat(row: Row, details: Details | undefined): Finding[] {
  const celsius = row.number('temperature.gpu');
  const margin = row.number('temperature.gpu.tlimit');
  const limit = details?.slowdownCelsius ?? null;
  const operating = details?.maxOperatingCelsius ?? null;
  const shown = celsius === null ? '' : ` (${celsius} °C)`;
  const slowed = margin !== null ? margin <= (details?.slowdownMargin ?? -2) : celsius !== null && limit !== null && celsius >= limit;
  if (slowed) return [{ sentence: `the device is so hot that it slows down${shown}: mend its cooling`, aside: true }];
  const hot = margin !== null ? margin <= 0 : celsius !== null && operating !== null && celsius > operating;
  return hot ? [{ sentence: `the device is above its operating temperature${shown}: mend its cooling`, aside: false }] : [];
}

function slowing(reasons: readonly string[]): Finding[] {
  return reasons
    .filter((reason) => harmfulReasons.has(reason))
    .map((reason) => ({ sentence: `the clocks are held down: ${reason}`, aside: reason.startsWith('hw_') }));
}

function unreadable(row: Row): Finding[] {
  const fields = row.unreadable();
  return fields.length === 0 ? [] : [{ sentence: `the driver cannot read ${fields.join(', ')}`, aside: false }];
}
