import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AssayError, type ResolvedSpec, type SpecInput } from '../contract';
import { loadSpec } from '../contract/loadSpec';
import type { Override } from '../contract/specOverrides';

export interface Changes {
  /** `key.path` and a value as YAML; they win over the file. */
  overrides?: readonly Override[];
  seeds?: number[] | undefined;
}

/** A spec with every default filled in, and the text it came from. */
export interface ReadSpec {
  spec: ResolvedSpec;
  text: string;
}

/** The experiment file; relative paths in it start from its folder. Throws `SpecInvalid` with every problem at its place. */
export async function specOfFile(file: string, changes: Changes = {}): Promise<ReadSpec> {
  const path = resolve(file);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new AssayError(
      'SpecInvalid',
      `${file}: cannot be read (${(cause as NodeJS.ErrnoException).code}); \`assay init\` writes a template`,
      { cause },
    );
  }
  return resolved(text, file, dirname(path), changes);
}

/** A spec as an object; relative paths in it start from `root`. */
export function specOfObject(spec: SpecInput, root: string, changes: Changes = {}): ReadSpec {
  return resolved(`${JSON.stringify(spec, null, 2)}\n`, 'spec', resolve(root), changes);
}

/** A spec as YAML or JSON text, named `file` in messages. */
export function resolved(text: string, file: string, root: string, { overrides = [], seeds }: Changes = {}): ReadSpec {
  return { spec: loadSpec(text, { file, root, overrides, exists: existsSync, ...(seeds ? { seeds } : {}) }), text };
}
