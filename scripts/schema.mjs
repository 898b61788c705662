// Writes experiment.schema.json from the compiled spec; with --check exits 1 where the committed file is out of date.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = join(root, 'experiment.schema.json');
const compiled = join(root, 'dist/src/contract/jsonSchema.js');
if (!existsSync(compiled)) {
  console.error('scripts/schema.mjs needs the compiled spec; run `npm run build` first.');
  process.exit(1);
}
const { experimentSchema } = createRequire(import.meta.url)(compiled);
const wanted = JSON.stringify(experimentSchema(), null, 2);

if (process.argv.includes('--check')) {
  const committed = existsSync(file) ? JSON.stringify(JSON.parse(readFileSync(file, 'utf8')), null, 2) : '';
  if (committed !== wanted) {
    console.error('experiment.schema.json is out of date; run `node scripts/schema.mjs` and commit it.');
    process.exit(1);
  }
} else {
  writeFileSync(file, `${wanted}\n`);
  execFileSync(process.execPath, [join(root, 'node_modules/@biomejs/biome/bin/biome'), 'format', '--write', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
