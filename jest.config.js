const { existsSync } = require('node:fs');

const globalSetup = `${__dirname}/test/globalSetup.ts`;

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs', ignoreDynamic: true }, sourceMaps: 'inline' }],
  },
  // dist/ holds a second copy of each module, and .assay/ the records of runs.
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.assay/'],
  testTimeout: 60_000,
  // One more than the cores of a small machine: the longest suites wait for leases and time-outs most of the time.
  maxWorkers: 3,
  ...(existsSync(globalSetup) ? { globalSetup } : {}),
};
