import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inRoot, root } from './root.mjs';
import { run } from './steps.mjs';

const stamp = inRoot('dist', '.built');

/** Compiles src/ and workers/ into dist/ when a source changed; other files of src/ are copied beside, and the workflows bundled. */
export async function build() {
  const sources = ['src', 'workers'].flatMap(list);
  const hash = fingerprint([...sources, 'package.json', 'tsconfig.json']);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return false;
  rmSync(stamp, { force: true });
  await run(process.execPath, [inRoot('node_modules', 'typescript', 'bin', 'tsc'), '-p', '.']);
  for (const file of sources.filter((name) => !name.endsWith('.ts'))) {
    mkdirSync(dirname(inRoot('dist', file)), { recursive: true });
    copyFileSync(inRoot(file), inRoot('dist', file));
  }
  removeOrphans(new Set(sources));
  await run(process.execPath, [inRoot('scripts', 'bundle.mjs')]);
  writeFileSync(stamp, hash);
}

function list(folder) {
  if (!existsSync(inRoot(folder))) return [];
  return readdirSync(inRoot(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

function fingerprint(files) {
  const hash = createHash('sha256');
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(inRoot(file)))
      .update('\0');
  return hash.digest('hex');
}

/** What a deleted source left behind would still run. */
function removeOrphans(sources) {
  for (const file of ['dist/src', 'dist/workers'].flatMap(list)) {
    const source = file.slice('dist/'.length);
    const from = source.replace(/(\.d\.ts|\.js\.map|\.js)$/, '.ts');
    if (!sources.has(source) && !sources.has(from) && statSync(inRoot(file)).isFile()) rmSync(inRoot(file));
  }
}
