import { type Answer, ask, linesOf } from './command';
import { type Row, rowsOf } from './csv';
import { absence, busIdOf, lossIn } from './failures';

/** In the order of nvidia-smi. `gpu_idle` and application clocks are no throttling. */
export const throttleReasons = [
  'sw_power_cap',
  'hw_slowdown',
  'hw_thermal_slowdown',
  'hw_power_brake_slowdown',
  'sw_thermal_slowdown',
  'sync_boost',
] as const;

/** Those that take clocks away for heat or by the hardware; a power cap is how a device is run. */
export const harmfulReasons: ReadonlySet<string> = new Set([
  'hw_slowdown',
  'hw_thermal_slowdown',
  'hw_power_brake_slowdown',
  'sw_thermal_slowdown',
]);

export const reasonFields: readonly string[] = throttleReasons.map((reason) => `clocks_event_reasons.${reason}`);

/** Reasons active in a row. */
export const throttledIn = (row: Row): string[] =>
  throttleReasons.filter((reason) => row.flag(`clocks_event_reasons.${reason}`, 'Active', 'Not Active') === true);

/** nvidia-smi of this host, with what was learnt about the fields that its version knows. */
export class Smi {
  readonly command: readonly string[];
  readonly timeoutMs: number;
  /** What this version calls a field, null where it has none. Learnt from its refusals, since every driver knows other fields. */
  private readonly names = new Map<string, string | null>();
  /** Bus ids by UUID, of devices that have answered: a lost one no longer tells its own. */
  readonly busIds = new Map<string, string>();

  constructor(command: readonly string[], timeoutMs: number) {
    this.command = command;
    this.timeoutMs = timeoutMs;
  }

  run(args: readonly string[]): Promise<Answer> {
    return ask(this.command, args, { timeoutMs: this.timeoutMs });
  }

  /** Asks every device, or the one of that id. `failed` is the sentence where no row came. */
  async queryGpu(fields: readonly string[], id: string | null): Promise<{ rows: Row[]; losses: string[]; failed: string | null }> {
    for (;;) {
      const asked = this.known(fields);
      const answer = await this.run([...only(id), ...this.queryArgs(asked)]);
      if (this.learn(linesOf(answer), asked)) continue;
      const lines = linesOf(answer);
      const lost = lines.filter((line) => lossIn(line) !== null && line.split(',').length !== asked.length);
      const failed = lost.length > 0 ? null : absence(answer);
      if (failed !== null) return { rows: [], losses: [], failed };
      const found = rowsOf(lines, asked);
      for (const row of found.rows) this.remember(row);
      return { ...found, failed };
    }
  }

  /** The fields that this version has, under the names of the caller. */
  known(fields: readonly string[]): string[] {
    return fields.filter((field) => this.names.get(field) !== null);
  }

  queryArgs(fields: readonly string[]): string[] {
    return [`--query-gpu=${fields.map((field) => this.names.get(field) ?? field).join(',')}`, '--format=csv,noheader,nounits'];
  }

  private remember(row: Row): void {
    const [uuid, busId] = [row.text('uuid'), row.text('pci.bus_id')];
    if (uuid !== null && busId !== null) this.busIds.set(uuid, busIdOf(busId));
  }

  /** True where a field of `asked` was refused: another name or none is used from now on. Several questions may learn at once. */
  private learn(lines: readonly string[], asked: readonly string[]): boolean {
    const refused = lines
      .map((line) => /^Field "([^"]+)" is not a valid field to query/.exec(line)?.[1])
      .find((name) => name !== undefined);
    const field = refused?.replace('clocks_throttle_reasons.', 'clocks_event_reasons.');
    if (refused === undefined || field === undefined || !asked.includes(field)) return false;
    // Drivers before 535 call all of them clocks_throttle_reasons.
    if (refused.startsWith('clocks_event_reasons.')) {
      for (const one of reasonFields) this.names.set(one, one.replace('clocks_event_reasons.', 'clocks_throttle_reasons.'));
    } else {
      this.names.set(field, null);
    }
    return true;
  }
}

export const only = (id: string | null): string[] => (id === null ? [] : ['-i', id]);
