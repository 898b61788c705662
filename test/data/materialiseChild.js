// A process of its own: node materialiseChild.js <store url> <digest of a snapshot> <folder> <cache>.
const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');

require.extensions['.ts'] = (module, filename) => {
  const options = { filename, jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } };
  module._compile(transformSync(readFileSync(filename, 'utf8'), options).code, filename);
};

const { materialise } = require('../../src/data/materialise.ts');
const { ObjectCache } = require('../../src/store/cache/index.ts');
const { openStore } = require('../../src/store/open.ts');

const [url, digest, dir, cache] = process.argv.slice(2);
materialise({ snapshotRef: { digest }, store: openStore(url), dir, cache: new ObjectCache(cache, { maxBytes: 1e8 }) }).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
