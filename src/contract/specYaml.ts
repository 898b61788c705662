import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type ParsedNode,
  visit,
} from 'yaml';
import { isMapping, type Path, type Problem } from './specProblems';

/** A problem the text itself has, at an offset into it. */
export interface TextProblem {
  offset: number;
  message: string;
}

export interface ReadYaml {
  /** Undefined where the text cannot be used at all. */
  data: Record<string, unknown> | undefined;
  problems: TextProblem[];
  /** Line and column, from 1. */
  position: (offset: number) => { line: number; column: number };
  offsetOf: (path: Path, at: Problem['at']) => number;
}

/** No experiment file is longer; a larger one is another file taken for it. */
const mostCharacters = 1_000_000;
/** Lists and mappings inside each other; the parser recurses, and would take the process down with it. */
const deepest = 100;
/** Aliases expand to at most this many times the values written: a small file cannot fill the memory. */
const maxAliasCount = 100;

export function readYaml(text: string): ReadYaml {
  const lineCounter = new LineCounter();
  const tooLong = text.length > mostCharacters;
  const tooDeep = tooLong ? undefined : offsetTooDeep(text);
  const document = parseDocument(tooLong ? '' : text.slice(0, tooDeep), {
    lineCounter,
    prettyErrors: false,
    stringKeys: true,
    merge: true,
  });
  const position = (offset: number): { line: number; column: number } => {
    const { line, col } = lineCounter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const offsetOf = (path: Path, at: Problem['at']): number => locate(document, path, at);
  const unusable = (offset: number, message: string): ReadYaml => ({
    data: undefined,
    problems: [{ offset, message }],
    position,
    offsetOf,
  });

  if (tooLong) return unusable(0, `expected at most ${mostCharacters} characters, got ${text.length}`);
  if (tooDeep !== undefined) return unusable(tooDeep, `expected at most ${deepest} lists or mappings inside each other`);
  const foreign = text.search(/[\0\uFFFD]/);
  if (foreign >= 0) return unusable(foreign, 'expected UTF-8 text, got a byte that is none; save the file as UTF-8');

  const problems = [...document.errors, ...document.warnings].map((error) => ({
    offset: error.pos[0],
    message: syntaxMessage(error.code, error.message, text.slice(error.pos[0])),
  }));
  const usable = document.errors.every((error) => error.code === 'DUPLICATE_KEY' || error.code === 'MULTIPLE_DOCS');
  if (!usable) return { data: undefined, problems, position, offsetOf };
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    return unusable(0, 'the file is empty; `assay init` writes one to start from');
  }
  if (!isMap(document.contents)) {
    const got = isSeq(document.contents) ? 'a list' : 'a single value';
    return unusable(document.contents.range?.[0] ?? 0, `expected a mapping with keys such as name, data, variants at the top, got ${got}`);
  }
  const dangling = danglingAliases(document);
  if (dangling.length > 0) return { data: undefined, problems: [...problems, ...dangling], position, offsetOf };
  try {
    const data: unknown = document.toJS({ maxAliasCount });
    if (!isMapping(data) || isCyclic(data)) return unusable(0, 'an anchor contains itself; write the values out');
    return { data, problems, position, offsetOf };
  } catch (error) {
    return unusable(0, aliasMessage(error));
  }
}

/** A value of `--set`, read as YAML is: `0.1` is a number, `[1, 2]` a list, `abc` text. */
export function readValue(text: string): { value: unknown } | { message: string } {
  if (offsetTooDeep(text) !== undefined) return { message: `expected at most ${deepest} lists or mappings inside each other` };
  const document = parseDocument(text, { prettyErrors: false, stringKeys: true });
  const [error] = document.errors;
  if (error !== undefined) return { message: syntaxMessage(error.code, error.message, '') };
  try {
    return { value: document.toJS({ maxAliasCount }) };
  } catch (failure) {
    return { message: aliasMessage(failure) };
  }
}

/** Where a text that nests deeper than any experiment does so; brackets in quotes count too, which no one will notice. */
function offsetTooDeep(text: string): number | undefined {
  let open = 0;
  for (let offset = 0; offset < text.length; offset += 1) {
    const character = text[offset];
    if (character === '[' || character === '{') open += 1;
    else if ((character === ']' || character === '}') && open > 0) open -= 1;
    if (open > deepest) return offset;
  }
  const run = /(?:[-?:][ \t\r\n]+){101}|^[ \t]{401}/m.exec(text);
  return run?.index;
}

function syntaxMessage(code: string, message: string, source: string): string {
  if (code === 'DUPLICATE_KEY')
    return `${/^["']?([^\s"':]+)/.exec(source)?.[1] ?? 'this key'}: the key stands here a second time; keep one`;
  if (code === 'MULTIPLE_DOCS') return 'a second document starts here; one file holds one experiment';
  if (code === 'NON_STRING_KEY') return 'expected a plain key, got a list or mapping';
  if (code === 'TAB_AS_INDENT') return 'a tab indents this line; YAML wants spaces';
  if (code === 'TAG_RESOLVE_FAILED') return `${message.replace('tag:yaml.org,2002:', '!!').replace('Unresolved', 'unknown')}; leave it out`;
  return `not valid YAML: ${message}`;
}

function danglingAliases(document: Document): TextProblem[] {
  const problems: TextProblem[] = [];
  const anchors = new Set<string>();
  visit(document, {
    Node: (_, node) => {
      if (isAlias(node) && !anchors.has(node.source)) {
        problems.push({ offset: node.range?.[0] ?? 0, message: `the alias *${node.source} has no anchor &${node.source} before it` });
      } else if ('anchor' in node && node.anchor !== undefined) anchors.add(node.anchor);
    },
  });
  return problems;
}

function aliasMessage(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith('Excessive alias count')) return 'aliases repeat their anchors too often; write the values out';
  return message;
}

function isCyclic(value: unknown, above: readonly unknown[] = []): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return above.includes(value) || Object.values(value).some((child) => isCyclic(child, [...above, value]));
}

/** Offset of a path's key or value; of the nearest thing above it where the path is not written. */
function locate(document: Document, path: Path, at: Problem['at']): number {
  let node = resolved(document, document.contents);
  let offset = node?.range?.[0] ?? 0;
  for (const [depth, part] of path.entries()) {
    const last = depth === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find((item) => keyText(item) === String(part));
      const key = pair?.key as ParsedNode | null | undefined;
      if (pair === undefined) return offset;
      const value = pair.value as Node | null;
      const written = value !== null && !(isScalar(value) && value.value === null);
      offset = key?.range?.[0] ?? offset;
      if (last && at === 'value' && written) return value.range?.[0] ?? offset;
      node = resolved(document, value);
    } else if (isSeq(node)) {
      const item = node.items[Number(part)] as Node | undefined;
      if (item === undefined) return offset;
      offset = item.range?.[0] ?? offset;
      node = resolved(document, item);
    } else return offset;
  }
  return offset;
}

const keyText = (pair: Pair): string => (isScalar(pair.key) ? String(pair.key.source ?? pair.key.value) : '');

const resolved = (document: Document, node: Node | null | undefined): Node | undefined =>
  (isAlias(node) ? node.resolve(document) : node) ?? undefined;
