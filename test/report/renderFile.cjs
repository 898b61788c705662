// Renders a result in a process of its own: node renderFile.cjs RESULT.json [LATENCY.json] > page.html
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { transformSync } = require('@swc/core');

require.extensions['.ts'] = (module, filename) => {
  const options = { filename, jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs', ignoreDynamic: true } };
  module._compile(transformSync(readFileSync(filename, 'utf8'), options).code, filename);
};

const { renderReport } = require(join(__dirname, '../../src/report/index.ts'));
const [resultFile, latencyFile] = process.argv.slice(2);
const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
renderReport(read(resultFile), latencyFile === undefined ? {} : { latency: read(latencyFile) }).then((page) => process.stdout.write(page));
