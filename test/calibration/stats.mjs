import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The compiled library under test. */
export const stats = createRequire(import.meta.url)(fileURLToPath(new URL('../../dist/src/stats/index.js', import.meta.url)));
