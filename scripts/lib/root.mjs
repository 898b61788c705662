import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const inRoot = (...parts) => join(root, ...parts);
/** A module of the compiled package; only after the build step. */
export const compiled = (...parts) =>
  import(new URL(`../../dist/src/${parts.join('/')}`, import.meta.url)).then((module) => module.default);
