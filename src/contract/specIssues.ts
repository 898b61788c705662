import type { z } from 'zod';
import { experimentSchema, type JsonSchema, schemaKeys } from './jsonSchema';
import { nearest } from './nearest';
import { ExperimentSpec } from './spec';
import { isMapping, type Path, type Problem, pathText, shown, startsWith, valueAt } from './specProblems';
import { refusalOfKey, refusedKeysBelow } from './specRefusals';
import { share } from './specValues';

/** What the schema finds wrong, in a person's words: expected, got, and the nearest valid name. */
export function schemaProblems(data: unknown): Problem[] {
  const issues = ExperimentSpec.safeParse(data).error?.issues ?? [];
  const split = valueAt(data, splitPath);
  if (!isMapping(split)) return issues.flatMap((issue) => problemsOf(issue, [], data));
  // Of the three forms of a split zod may report the one that was not meant.
  const form = ExperimentSpec.shape.data.shape.split.unwrap().options[formOf(split)].safeParse(split);
  return [
    ...issues.filter((issue) => !startsWith(issuePath(issue), splitPath)).flatMap((issue) => problemsOf(issue, [], data)),
    ...(form.error?.issues ?? []).flatMap((issue) => problemsOf(issue, splitPath, data)),
  ];
}

const splitPath = ['data', 'split'] as const;

/** Which of the schema's forms was meant: fractions, a time, or files. */
function formOf(value: Record<string, unknown>): 0 | 1 | 2 {
  if (['time', 'before', 'validationFrom'].some((key) => Object.hasOwn(value, key))) return 1;
  return Object.hasOwn(value, 'train') || typeof value['test'] === 'string' || typeof value['validation'] === 'string' ? 2 : 0;
}

export const issuePath = (issue: z.core.$ZodIssue): Path => issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));

function problemsOf(issue: z.core.$ZodIssue, above: Path, data: unknown): Problem[] {
  const path = [...above, ...issuePath(issue)];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key): Problem => ({ path: [...path, key], at: 'key', ...unknownKey(path, key, data) }));
  }
  const value = valueAt(data, path);
  const schema = schemaAt(path, data);
  const wanted = zodsOwnWords.test(issue.message) ? expected(schema) : issue.message;
  if (value === undefined) return [{ path, at: 'key', message: `missing; expected ${wanted}` }];
  const length = Array.isArray(value) && schema?.type === 'array' && value.length > 0 ? ` of ${value.length}` : '';
  return [{ path, at: 'value', message: `expected ${wanted}, got ${shown(value)}${length}${hint(schema, value)}` }];
}

const zodsOwnWords = /^(?:Invalid|Too|Unrecognized) /;

/** What a value must be, from its schema. */
function expected(schema: JsonSchema | undefined): string {
  if (schema === undefined) return 'another value';
  if (schema.enum !== undefined) return schema.enum.length === 1 ? String(schema.enum[0]) : `one of ${schema.enum.join(', ')}`;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  switch (schema.type) {
    case 'string':
      return 'text';
    case 'integer':
      return `a whole number${range(schema)}`;
    case 'number':
      return `a number${range(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return `a list${schema.minItems === undefined ? '' : ` of at least ${schema.minItems}`}`;
    case 'object':
      return `a mapping${schema.properties === undefined ? '' : ` with ${listed(Object.keys(schema.properties))}`}`;
    case undefined:
    default:
      if (schema.anyOf?.some((form) => form.type === 'string')) return share;
      return 'a mapping such as {test: 0.2, validation: 0.1}, {train: FILE, test: FILE} or {time: COLUMN, before: TIME}';
  }
}

function range({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema): string {
  const low = exclusiveMinimum !== undefined ? `above ${exclusiveMinimum}` : minimum !== undefined ? `of at least ${minimum}` : undefined;
  const high = exclusiveMaximum !== undefined ? `below ${exclusiveMaximum}` : maximum !== undefined ? `at most ${maximum}` : undefined;
  const bounds = [low, high].filter((bound) => bound !== undefined);
  return bounds.length === 0 ? '' : ` ${bounds.join(' and ')}`;
}

function hint(schema: JsonSchema | undefined, value: unknown): string {
  if (typeof value !== 'string') return '';
  if (schema?.enum !== undefined) return didYouMean(nearest(value, schema.enum.map(String)));
  const numeric = schema?.type === 'number' || schema?.type === 'integer';
  if (numeric && value.trim() !== '' && Number.isFinite(Number(value))) return '; take the quotes off';
  if (schema?.type === 'boolean' && /^(?:yes|on|y)$/i.test(value)) return '; write true';
  if (schema?.type === 'boolean' && /^(?:no|off|n)$/i.test(value)) return '; write false';
  if (schema?.type === 'array')
    return `; write [${value
      .trim()
      .split(/[\s,]+/)
      .join(', ')}]`;
  return '';
}

const didYouMean = (name: string | undefined): string => (name === undefined ? '' : `; did you mean "${name}"?`);

function unknownKey(parent: Path, key: string, data: unknown): { message: string; meant?: Path } {
  const here = Object.keys(schemaAt(parent, data)?.properties ?? {});
  const parentText = pathText(parent).replace(/\[\d+\]/g, '[]');
  const near = nearest(key, [...here, ...refusedKeysBelow(parentText)]);
  if (near !== undefined) {
    const refusal = refusalOfKey(parentText === '' ? near : `${parentText}.${near}`);
    const message = `unknown key${didYouMean(near)}${refusal === undefined ? '' : ` But ${near} ${refusal}`}`;
    return { message, meant: [...parent, near] };
  }
  const elsewhere = [...new Set(schemaKeys().map((entry) => entry.path))].filter((path) => path.split('.').at(-1) === key);
  if (parentText === 'data.split' && elsewhere.includes(`data.split.${key}`)) {
    return {
      message:
        'belongs to another form of a split; give fractions (test, validation, by, seed, stratify), files (train, validation, test) or a time (time, before, validationFrom)',
    };
  }
  if (elsewhere.length > 0) return { message: `unknown key here; did you mean ${elsewhere.slice(0, 3).join(' or ')}?` };
  const parameter = here.includes('params') ? '; a parameter of the trainer goes under params' : '';
  return { message: `unknown key; valid here: ${listed(here)}${parameter}` };
}

const listed = (words: readonly string[]): string => words.join(', ');

/** The schema of a path; where there are several forms, of the one that the data come closer to. */
function schemaAt(path: Path, data: unknown): JsonSchema | undefined {
  let schema: JsonSchema | undefined = experimentSchema();
  for (const [depth, part] of path.entries()) {
    if (typeof part === 'number') schema = schema?.items;
    else schema = schema?.properties?.[part];
    const value = valueAt(data, path.slice(0, depth + 1));
    if (part === 'split' && isMapping(value)) schema = schema?.anyOf?.[formOf(value)];
  }
  return schema;
}
