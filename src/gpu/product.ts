import { ask } from './command';
import type { Finding } from './status';
import type { CheckOptions, ProgramEnd } from './types';

/** The small matrix product of known result on the device. */
export async function product(uuid: string, program: CheckOptions['program']): Promise<{ ms: number | null; findings: Finding[] }> {
  if (!program) return notRun('no device program was given');
  let end: ProgramEnd;
  try {
    end = await program(uuid);
  } catch (error) {
    return notRun(error instanceof Error ? error.message : String(error));
  }
  const said = lastJson(end.stdout);
  if (said?.ok === true && end.code === 0 && typeof said.ms === 'number') return { ms: said.ms, findings: [] };
  if (end.code === noTorch) return notRun(typeof said?.message === 'string' ? said.message : 'the program has no PyTorch');
  const why =
    typeof said?.message === 'string' ? said.message : (end.stderr.trim().split('\n').at(-1) ?? '') || `it ended with code ${end.code}`;
  return { ms: null, findings: [{ sentence: `the matrix product failed on the device: ${why}`, aside: true }] };
}

/** The program as a process of this host. `command` defaults to `python3 -m assay_runtime.device_check`. */
export function deviceProgram(options: { command?: readonly string[]; device?: 'cuda' | 'cpu'; timeoutMs?: number } = {}) {
  const { command = ['python3', '-m', 'assay_runtime.device_check'], device = 'cuda', timeoutMs = 120_000 } = options;
  return async (uuid: string): Promise<ProgramEnd> => {
    const end = await ask(command, ['--device', device, '--uuid', uuid], { timeoutMs });
    if (end.failure === null) return end;
    // A hang is the device's; what could not be started is not.
    if (end.failure.includes('did not answer')) return { code: null, stdout: '', stderr: `it did not end within ${timeoutMs / 1000} s` };
    throw new Error(`${command[0]} could not be started`);
  };
}

const notRun = (why: string) => ({ ms: null, findings: [{ sentence: `no matrix product was computed: ${why}`, aside: false }] });

function lastJson(text: string): Record<string, unknown> | null {
  const line = text
    .split('\n')
    .filter((one) => one.trim().startsWith('{'))
    .at(-1);
  if (line === undefined) return null;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/** EX_UNAVAILABLE of sysexits.h, as device_check.py ends without PyTorch. */
const noTorch = 69;
