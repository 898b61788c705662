import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { AssayError } from '../../contract';
import { type AlphaLedger, openLedger, recordLook, spendOverlapping } from '../../stats';

/** `assay.ledger/1`: the looks that one question was given, in a file of the user's. */
interface LedgerFile {
  schema: 'assay.ledger/1';
  /** Primary metric and arms: a ledger answers one question. */
  question: string;
  ledger: AlphaLedger;
  /** SHA-256 of what each look compared. */
  inputs: string[];
}

/** A look about to be taken. */
export interface NextLook {
  /** From 1. */
  look: number;
  /** Of this look's intervals, so that all looks there could be together err with at most 1 - the plan's confidence. */
  confidence: number;
  /** Keeps the look; returns what it says of itself. */
  keep(seen: { when: string; information: number; pValue: number }): string;
}

/**
 * The next look of a ledger, which is made where there is none. Looks at data that overlap pay 6 alpha / (π² k²) each, valid under any
 * dependence; the same inputs again are the same look, and cost nothing.
 */
export function nextLook(path: string, asked: { question: string; confidence: number; inputs: readonly Uint8Array[] }): NextLook {
  // Said before the numbers are worked out, which may take minutes.
  if (path === '' || statSync(path, { throwIfNoEntry: false })?.isDirectory() || !existsSync(dirname(resolve(path))))
    throw unwritable(path);
  const before = existsSync(path) ? readFileSync(path, 'utf8') : null;
  const file = before === null ? opened(asked) : checked(path, before, asked);
  const hash = createHash('sha256');
  for (const bytes of asked.inputs) hash.update(createHash('sha256').update(bytes).digest());
  const digest = hash.digest('hex');
  const { looks, plan } = file.ledger;
  const same = file.inputs.indexOf(digest);
  if (same >= 0) {
    const look = same + 1;
    return {
      look,
      confidence: 1 - spendOverlapping(look, plan),
      keep: () => `Look ${look} once more: the same inputs carry nothing new, and nothing is spent.`,
    };
  }
  const over = looks.find(({ decision }) => decision === 'reject');
  if (over !== undefined)
    throw new AssayError(
      'SpecInvalid',
      `${path}: look ${over.look} of ${over.when} has decided the question; ask the next one with a ledger of its own`,
    );
  const look = looks.length + 1;
  return {
    look,
    confidence: 1 - spendOverlapping(look, plan),
    keep: (seen) => {
      const ledger = recordLook(file.ledger, seen);
      write(path, before, { ...file, ledger, inputs: [...file.inputs, digest] });
      const { boundary, cumulativeAlpha, decision } = ledger.looks[look - 1] ?? { boundary: 0, cumulativeAlpha: 0, decision: 'continue' };
      const words = decision === 'reject' ? 'decides: no further look is needed' : 'leaves the question open';
      return `Look ${look}: p ${short(seen.pValue)} against its bound ${short(boundary)} ${words}; ${short(cumulativeAlpha)} of ${short(plan.alpha)} spent.`;
    },
  };
}

function opened({ question, confidence }: { question: string; confidence: number }): LedgerFile {
  // 1 - 0.95 is 0.050000000000000044.
  const alpha = Number((1 - confidence).toPrecision(12));
  return { schema: 'assay.ledger/1', question, ledger: openLedger({ scheme: 'overlapping', alpha }), inputs: [] };
}

function checked(path: string, text: string, asked: { question: string; confidence: number }): LedgerFile {
  const file = parsed(text);
  if (file === null)
    throw new AssayError(
      'SpecInvalid',
      `${path}: no ledger of looks (assay.ledger/1); name the file of an earlier \`assay compare --ledger\`, or a new one`,
    );
  const { plan } = file.ledger;
  if (file.question !== asked.question)
    throw new AssayError(
      'SpecInvalid',
      `${path}: asks "${file.question}", this comparison "${asked.question}"; a ledger is for one question: name another file`,
    );
  if (Math.abs(1 - plan.alpha - asked.confidence) > 1e-9)
    throw new AssayError(
      'SpecInvalid',
      `${path}: was opened at confidence ${short(1 - plan.alpha)}, got ${asked.confidence}; it is fixed before the first look`,
    );
  return file;
}

function parsed(text: string): LedgerFile | null {
  try {
    const file = JSON.parse(text) as LedgerFile;
    const whole = file.schema === 'assay.ledger/1' && Array.isArray(file.ledger.looks) && file.inputs.length === file.ledger.looks.length;
    return whole && file.ledger.plan.scheme === 'overlapping' ? file : null;
  } catch {
    return null;
  }
}

/** The file of the next state is made by one alone, and becomes the ledger in one step. */
function write(path: string, before: string | null, file: LedgerFile): void {
  const next = `${path}.next`;
  if (existsSync(next) && Date.now() - statSync(next).mtimeMs > aMinute) rmSync(next, { force: true });
  try {
    writeFileSync(next, `${JSON.stringify(file, null, 2)}\n`, { flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(path, cause);
    throw new AssayError('SpecInvalid', `${path}: another comparison is writing a look into it; run this one again in a minute`, { cause });
  }
  try {
    const now = existsSync(path) ? readFileSync(path, 'utf8') : null;
    if (now !== before) throw new AssayError('SpecInvalid', `${path}: another comparison has written a look meanwhile; run this one again`);
    renameSync(next, path);
  } finally {
    rmSync(next, { force: true });
  }
}

/** After that long whoever was writing was killed. */
const aMinute = 60_000;

function unwritable(path: string, cause?: unknown): AssayError {
  const why = cause === undefined ? '' : ` (${(cause as NodeJS.ErrnoException).code})`;
  const message = `--ledger "${path}": cannot be written${why}; name a file in a folder that is there and yours`;
  return new AssayError('SpecInvalid', message, { cause });
}

const short = (value: number): string => String(Number(value.toPrecision(3)));
