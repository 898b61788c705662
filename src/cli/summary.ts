import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AssayError, type Result } from '../contract';
import { reportUrl } from '../contract/links';
import { exitCodes, isWrongInput } from './exitCode';
import { costOf, failuresOf, renderNoVerdict, renderSummary, type Summarised } from '../report';

/** `--summary FILE`: a comment for a pull request, however the command ends. What has a verdict writes it itself. */
export async function withSummary(
  { summary: path, detach }: { summary?: string; detach?: boolean },
  name: () => string | Promise<string>,
  work: () => Promise<number>,
): Promise<number> {
  if (path === undefined) return work();
  if (detach)
    throw new AssayError(
      'SpecInvalid',
      '--summary needs the verdict, which --detach does not wait for; use `assay watch ID --summary FILE`',
    );
  const without = async (title: string, message: string): Promise<void> =>
    writeSummary(path, renderNoVerdict({ name: await name(), title, message, links: [] }));
  let code: number;
  try {
    code = await work();
  } catch (error) {
    const { type, message } = error instanceof AssayError ? error : { type: 'Internal' as const, message: String(error) };
    await without(`${isWrongInput(type) ? 'The input is wrong' : 'It did not come to a verdict'} (${type}).`, message);
    throw error;
  }
  if (code === exitCodes.interrupted) await without('It was not waited for: the experiment goes on.', '');
  return code;
}

export const summaryOf = (result: Result, publicUrl = process.env.ASSAY_PUBLIC_URL || null): Summarised => {
  const report = reportUrl(publicUrl, result.experiment);
  const { url } = result.workflow;
  return {
    ...result,
    failures: failuresOf(result),
    cost: costOf(result),
    links: [
      ...(report === null ? [] : [`[Report](${report})`]),
      ...(url === null ? [] : [`[Workflow](${url})`]),
      `\`assay report ${result.experiment} --open\``,
    ],
  };
};

/** Whole or not at all: what reads it never sees half a comment. */
export async function writeSummary(path: string, text: string): Promise<void> {
  const target = resolve(path);
  await mkdir(dirname(target), { recursive: true });
  const draft = `${target}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await writeFile(draft, text);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

export const writeVerdict = (path: string, about: Summarised): Promise<void> => writeSummary(path, renderSummary(about));

/** The experiment's name as the command gives it, also of a file that is refused: the comment of before is then still found. */
export async function nameIn(file: string, set: readonly string[] = []): Promise<string> {
  const given = set.findLast((assignment) => assignment.startsWith('name='))?.slice('name='.length);
  if (given !== undefined) return given;
  const text = await readFile(file, 'utf8').catch(() => '');
  return /^name:\s*["']?([\w.-]+)/m.exec(text)?.[1] ?? file;
}

/** The name that an experiment's id begins with. */
export const nameOf = (id: string): string => id.replace(/-\d{8}-\d{6}-\w+$/, '');
