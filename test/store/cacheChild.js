// A process of its own that places objects: node cacheChild.js <store url> <cache> <bound> <folder> <digests>.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { transformSync } = require('@swc/core');

require.extensions['.ts'] = (module, filename) => {
  const options = { filename, jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } };
  module._compile(transformSync(readFileSync(filename, 'utf8'), options).code, filename);
};

const { openStore } = require('../../src/store/index.ts');
const { ObjectCache } = require('../../src/store/cache/index.ts');

const [url, dir, maxBytes, folder, ...digests] = process.argv.slice(2);
const store = openStore(url);
const cache = new ObjectCache(dir, { maxBytes: Number(maxBytes) });

async function placeAll() {
  const sizes = await Promise.all(digests.map(async (digest) => (await store.get({ digest })).length));
  await Promise.all(
    digests.map(async (digest, i) => {
      await cache.place(store, { digest, size: sizes[i] }, join(folder, digest));
      process.stdout.write('placed\n');
    }),
  );
}

placeAll().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
