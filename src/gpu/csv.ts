import { AssayError } from '../contract';
import { lossIn } from './failures';

/** One line of `--format=csv,noheader,nounits`, by the field asked for. */
export class Row {
  private readonly cells: ReadonlyMap<string, string>;

  constructor(fields: readonly string[], cells: readonly string[]) {
    this.cells = new Map(fields.map((field, index) => [field, cells[index] ?? '']));
  }

  /** Null where the device does not report it. */
  text(field: string): string | null {
    const cell = this.cells.get(field);
    return cell === undefined || missing.test(cell) ? null : cell;
  }

  number(field: string): number | null {
    const text = this.text(field);
    if (text === null) return null;
    const value = /^(-?\d+(?:\.\d+)?)(?: [A-Za-z%]+)?$/.exec(text)?.[1];
    if (value === undefined) throw notUnderstood(`a number for ${field}`, text);
    return Number(value);
  }

  bytes(field: string): number | null {
    const mebibytes = this.number(field);
    return mebibytes === null ? null : mebibytes * 2 ** 20;
  }

  flag(field: string, yes: string, no: string): boolean | null {
    const text = this.text(field);
    if (text === null) return null;
    if (text !== yes && text !== no) throw notUnderstood(`${yes} or ${no} for ${field}`, text);
    return text === yes;
  }

  /** What the cells say of a device that no longer answers, else null. */
  loss(): string | null {
    const cells = [...this.cells.values()];
    const lost = cells.map(lossIn).find((sentence) => sentence !== null);
    if (lost !== undefined) return lost;
    // Single sensors fail on healthy devices; a device whose sensors fail one and all does not answer.
    const errors = cells.filter((cell) => unreadable.test(cell)).length;
    return errors * 2 > cells.length ? 'the device answers no question of the driver: restart the host' : null;
  }

  /** Fields that the driver could not read. */
  unreadable(): string[] {
    return [...this.cells].filter(([, cell]) => unreadable.test(cell)).map(([field]) => field);
  }
}

/** Rows, and the lines that speak of a device instead; any other line with another number of columns is refused. */
export function rowsOf(lines: readonly string[], fields: readonly string[]): { rows: Row[]; losses: string[] } {
  const rows: Row[] = [];
  const losses: string[] = [];
  for (const line of lines) {
    if (line.trim() === '' || /^WARNING:|^No running processes found/i.test(line)) continue;
    const cells = line.split(',').map((cell) => cell.trim());
    if (cells.length === fields.length && fields.length > 1) rows.push(new Row(fields, cells));
    else if (lossIn(line) !== null) losses.push(line.trim());
    else throw notUnderstood(`${fields.length} columns (${fields.join(',')})`, `${cells.length}: ${line}`);
  }
  return { rows, losses };
}

export function notUnderstood(expected: string, got: string): AssayError {
  const shown = got.length > 200 ? `${got.slice(0, 200)}...` : got;
  return new AssayError('Unsupported', `nvidia-smi: expected ${expected}, got ${shown}; use a driver that this version knows`);
}

const unreadable = /^(?:\[Unknown Error\]|Unknown Error|ERR!|\[ERR!\])$/i;
const missing =
  /^$|^\[?(?:N\/A|Not Supported|Not Found|Not Available|Unknown Error|ERR!|GPU is lost|GPU requires reset|Insufficient Permissions|Requested functionality has been deprecated)\]?$/i;
