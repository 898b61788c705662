import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { inRoot } from './root.mjs';
import { run, StepFailed } from './steps.mjs';

const stamp = inRoot('node_modules', '.assay-installed');

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return false;
  throw new StepFailed(`Node ${process.versions.node} is too old: install Node 20.19 or newer (https://nodejs.org)`);
}

/**
 * Installs what package-lock.json names, unless node_modules holds it already. Not `npm ci`: that refuses a lock file made where a registry
 * lacks the binaries of other platforms, though these are optional.
 */
export async function installPackages() {
  const lock = readFileSync(inRoot('package-lock.json'), 'utf8');
  const hash = createHash('sha256').update(lock).digest('hex');
  if (read(stamp) === hash) return false;
  if (!holds(JSON.parse(lock))) await run('npm', ['install', '--no-save', '--no-audit', '--no-fund']);
  else {
    writeFileSync(stamp, hash);
    return false;
  }
  writeFileSync(stamp, hash);
}

/** Whether npm's own record of node_modules has every package of the lock file (optional ones may be for other platforms). */
function holds(lock) {
  const record = read(inRoot('node_modules', '.package-lock.json'));
  if (record === null) return false;
  const installed = JSON.parse(record).packages;
  return Object.entries(lock.packages).every(
    ([path, { version, optional }]) => path === '' || installed[path]?.version === version || (optional && installed[path] === undefined),
  );
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
