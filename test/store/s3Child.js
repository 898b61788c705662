// A process of its own that uploads a file: node s3Child.js <s3 url> <key> <file> <digest> <size>. It prints the bytes that are durable.
const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');

require.extensions['.ts'] = (module, filename) => {
  const options = { filename, jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } };
  module._compile(transformSync(readFileSync(filename, 'utf8'), options).code, filename);
};

const { openS3 } = require('../../src/store/s3/index.ts');

const [url, key, from, digest, size] = process.argv.slice(2);
const onProgress = (bytes) => process.stdout.write(`durable ${bytes}\n`);
openS3(url)
  .create(key, { digest, size: Number(size), from }, { onProgress })
  .then(
    (outcome) => process.stdout.write(`${outcome}, ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB at most\n`),
    (error) => {
      console.error(error);
      process.exitCode = 1;
    },
  );
