import { uptime } from 'node:os';
import { ask } from './command';
import { busIdOf } from './failures';
import type { Xid } from './types';

/** XID errors from `since` on, or null where this user may not read the kernel's log. */
export async function readXids(commands: readonly (readonly string[])[], since: Date, timeoutMs: number): Promise<Xid[] | null> {
  const bootedAt = Date.now() - uptime() * 1000;
  for (const command of commands) {
    const answer = await ask(command, [], { timeoutMs });
    if (answer.code === 0) return parseXids(answer.stdout, bootedAt).filter(({ at }) => at !== null && at >= since.getTime());
  }
  return null;
}

/** Lines of `dmesg`, `dmesg -T` and `journalctl -k -o short-unix`. `bootedAt` in ms since 1970. */
export function parseXids(log: string, bootedAt: number): Xid[] {
  const found: Xid[] = [];
  let at: number | null = null;
  let falling: string | null = null;
  for (const line of log.split('\n')) {
    // A message goes on in lines without a time.
    at = timeOf(line, bootedAt) ?? at;
    const xid = /NVRM: Xid \((?:PCI:)?([0-9a-fA-F]+:[0-9a-fA-F]+:[0-9a-fA-F]+)[^)]*\): (\d+), ?(.*)$/.exec(line);
    if (xid) found.push({ busId: busIdOf(xid[1] ?? ''), code: Number(xid[2]), at, text: (xid[3] ?? '').trim() });
    // Some drivers say so in three lines and without a number.
    falling = /NVRM: The NVIDIA GPU ([0-9a-fA-F:.]+)/.exec(line)?.[1] ?? falling;
    if (falling !== null && /NVRM: fallen off the bus/.test(line)) {
      found.push({ busId: busIdOf(falling), code: 79, at, text: 'GPU has fallen off the bus' });
      falling = null;
    }
  }
  return found;
}

/** `XID 79 (the device has fallen off the bus): ...`; those of the hardware set the device aside, those of a program do not. */
export function xidFinding({ code, text }: Xid): { sentence: string; aside: boolean } {
  const meaning = hardware.get(code);
  const kind = meaning ?? (ofPrograms.has(code) ? 'mostly an error of a program' : 'see the list of XID errors of NVIDIA');
  return { sentence: `XID ${code} (${kind})${text === '' ? '' : `: ${text}`}`, aside: meaning !== undefined };
}

export const defaultKernelLog: readonly (readonly string[])[] = [
  ['dmesg'],
  ['journalctl', '-k', '-o', 'short-unix', '--no-pager', '--since', '-1h'],
];

function timeOf(line: string, bootedAt: number): number | null {
  const sinceBoot = /^\[\s*(\d+\.\d+)\]/.exec(line)?.[1];
  if (sinceBoot !== undefined) return bootedAt + Number(sinceBoot) * 1000;
  const local = /^\[(\w{3} \w{3} +\d+ [\d:]+ \d{4})\]/.exec(line)?.[1];
  if (local !== undefined) return Date.parse(local);
  const unix = /^(\d{9,}\.\d+) /.exec(line)?.[1];
  return unix === undefined ? null : Number(unix) * 1000;
}

const hardware: ReadonlyMap<number, string> = new Map([
  [48, 'uncorrectable memory error'],
  [62, 'the device has halted internally'],
  [63, 'faulty memory marked'],
  [64, 'faulty memory could not be marked'],
  [74, 'NVLink error'],
  [79, 'the device has fallen off the bus'],
  [92, 'many memory errors'],
  [94, 'contained memory error'],
  [95, 'uncontained memory error'],
  [119, 'the processor of the device does not answer'],
  [120, 'error of the processor of the device'],
  [140, 'uncorrectable memory error'],
  [143, 'the device could not be initialised'],
  [154, 'the driver asks for a reset or a restart'],
  [171, 'uncorrectable memory error'],
]);

const ofPrograms: ReadonlySet<number> = new Set([8, 13, 31, 32, 43, 45, 68, 69, 109]);
