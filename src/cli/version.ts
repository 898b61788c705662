import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of package.json, from dist/src/cli and from src/cli alike. */
export const packageRoot = ((): string => {
  const up = join(__dirname, '..', '..');
  return up.endsWith('dist') ? join(up, '..') : up;
})();

export const version = (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;
