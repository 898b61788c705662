import { AssayError } from './errors';
import { ExperimentSpec, type ResolvedSpec } from './spec';
import { contradictionsIn } from './specChecks';
import { issuePath, schemaProblems } from './specIssues';
import { type Override, withOverrides } from './specOverrides';
import { isMapping, type Path, pathText, type Problem, startsWith, valueAt } from './specProblems';
import { refusedIn } from './specRefusals';
import { checkPaths } from './specPaths';
import type { Sections } from './specSections';
import { readYaml, type ReadYaml } from './specYaml';

export interface LoadOptions {
  /** Name of the file in messages. */
  file: string;
  /** Folder that relative paths of the spec start from. */
  root: string;
  /** From `--set a.b=c`. */
  overrides?: readonly Override[];
  /** From `--seeds 1,2,3`. */
  seeds?: number[];
  /** Given: the files the spec names must exist. */
  exists?: (path: string) => boolean;
}

/** The experiment with every default filled in. Throws `SpecInvalid` with all problems at once, each with its place. */
export function loadSpec(text: string, options: LoadOptions): ResolvedSpec {
  const source = text.replace(/^\uFEFF/, '');
  const yaml = readYaml(source);
  const found: Found[] = yaml.problems.map(({ offset, message }) => ({ offset, message }));
  if (yaml.data === undefined) throw specInvalid(found, source, yaml, options.file);

  const { data, problems: misplaced, flagOf } = withOverrides(yaml.data, options.overrides ?? [], options.seeds);
  const refused = refusedIn(data);
  const parsed = ExperimentSpec.safeParse(data);
  const unrefused = ({ path }: Problem): boolean => !refused.some((problem) => startsWith(path, problem.path));
  const known = [...misplaced, ...refused, ...schemaProblems(data).filter(unrefused)];
  const touched = known.flatMap(({ path, meant }) => (meant === undefined ? [path] : [path, meant]));
  const doubtful = (...path: Path): boolean => touched.some((wrong) => startsWith(wrong, path) || startsWith(path, wrong));
  const sections: Sections = parsed.success ? parsed.data : wholeSections(data);
  const paths = options.exists === undefined ? [] : checkPaths({ ...sections, root: options.root }, options.exists);
  const problems = [...known, ...contradictionsIn(sections, doubtful), ...paths.filter(unrefused)];

  for (const problem of problems) {
    const flag = flagOf(problem.path);
    const told = { message: `${pathText(problem.path)}: ${problem.message}`, path: problem.path, ...problem.marker };
    found.push(flag === undefined ? { offset: yaml.offsetOf(problem.path, problem.at), ...told } : { flag, ...told });
  }
  if (found.length > 0 || !parsed.success) throw specInvalid(found, source, yaml, options.file);
  return { ...parsed.data, root: options.root };
}

/** A problem with its place: in the file, or in a flag. */
type Found = { message: string; path?: Path; code?: string; value?: string } & ({ offset: number } | { flag: string });

/** A broken file can have thousands; a person mends the first ones first. */
const mostShown = 50;
/** Of a longer source line only the part around the place is shown, characters. */
const widestLine = 240;

function specInvalid(found: readonly Found[], source: string, yaml: ReadYaml, file: string): AssayError {
  const lines = source.split('\n');
  const placed = found
    .map((problem) =>
      'flag' in problem
        ? { line: 0, column: 0, text: `${problem.flag}: ${problem.message}`, ...marked(problem) }
        : { ...inFile(problem, lines, yaml, file), ...marked(problem) },
    )
    .sort((a, b) => a.line - b.line || a.column - b.column);
  const head = placed.length === 1 ? `1 problem in ${file}` : `${placed.length} problems in ${file}`;
  const texts = placed.slice(0, mostShown).map(({ text }) => text);
  const more = placed.length > mostShown ? [`and ${placed.length - mostShown} more`] : [];
  return new AssayError('SpecInvalid', [head, ...texts, ...more].join('\n'), {
    details: { problems: placed.map(({ text: _text, ...problem }) => problem) },
  });
}

const marked = ({ message, path, code, value }: Found) => ({
  message,
  ...(path === undefined ? {} : { path }),
  ...(code === undefined ? {} : { code, value }),
});

/** The image that a spec names by a tag, where that is among what the error is about; its digest is the mend. */
export function unpinnedImage(error: unknown): string | null {
  if (!(error instanceof AssayError) || error.type !== 'SpecInvalid') return null;
  const problems = (error.details?.['problems'] ?? []) as { code?: string; value?: string }[];
  return problems.find(({ code }) => code === 'image-unpinned')?.value ?? null;
}

function inFile(problem: { offset: number; message: string }, lines: readonly string[], yaml: ReadYaml, file: string) {
  const { line, column } = yaml.position(problem.offset);
  const whole = (lines[line - 1] ?? '').replace(/\r$/, '');
  const start = whole.length <= widestLine ? 0 : Math.max(0, column - 1 - widestLine / 2);
  const source = whole.slice(start, start + widestLine);
  // Tabs stay tabs, so that the caret stands below its place.
  const indent = source.slice(0, column - 1 - start).replace(/[^\t]/g, ' ');
  const margin = ' '.repeat(String(line).length);
  const text = `${file}:${line}:${column}: ${problem.message}\n  ${line} | ${withoutSecret(source)}\n  ${margin} | ${indent}^`;
  return { line, column, text };
}

/**
 * The sections that are right once the wrong keys are taken out of a copy, for the checks that look across keys: a
 * misspelt key must not hide a second control. `doubtful` keeps those checks from what was taken out.
 */
function wholeSections(original: Record<string, unknown>): Sections {
  const data = structuredClone(original);
  for (let round = 0; round < 10; round += 1) {
    const parsed = ExperimentSpec.safeParse(data);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      const path = issuePath(issue);
      if (issue.code === 'unrecognized_keys') for (const key of issue.keys) takeOut(data, [...path, key]);
      else takeOut(data, path);
    }
  }
  return Object.fromEntries(
    Object.entries(ExperimentSpec.shape).flatMap(([key, schema]) => {
      const parsed = schema.safeParse(data[key]);
      return parsed.success ? [[key, parsed.data]] : [];
    }),
  );
}

/** Removes the key; of a list or of a key that is not there, the nearest key above it. A variant's name is replaced. */
function takeOut(data: Record<string, unknown>, path: Path): void {
  const [section, index, key] = path;
  if (section === 'variants' && key === 'name' && path.length === 3) {
    const variant = valueAt(data, path.slice(0, 2));
    if (isMapping(variant)) variant['name'] = `variant-${Number(index) + 1}`;
    return;
  }
  for (let length = path.length; length > 0; length -= 1) {
    const last = path[length - 1];
    const holder = valueAt(data, path.slice(0, length - 1));
    if (isMapping(holder) && typeof last === 'string' && Object.hasOwn(holder, last)) {
      delete holder[last];
      return;
    }
  }
}

/** `//user:password@host` in a line that is shown. */
const withoutSecret = (line: string): string => line.replace(/\/\/[^/@\s]*@/g, (secret) => `//${'*'.repeat(secret.length - 3)}@`);
