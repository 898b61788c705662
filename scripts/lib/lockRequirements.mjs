import { writeFileSync } from 'node:fs';
import { inRoot } from './root.mjs';
import { run, StepFailed } from './steps.mjs';

/** What the image installs, and from which pinned lists it comes. */
const lists = {
  '': { from: ['requirements.txt'], what: 'requirements.txt' },
  '-torch': { from: ['requirements.txt', 'requirements-torch.txt'], what: 'requirements.txt and requirements-torch.txt' },
  '-build': { from: ['requirements-torch.txt'], only: 'setuptools', what: 'What assay_runtime is built with' },
};

/** Writes runtime/requirements-image*.txt: each package of the pinned lists and what it needs, with the hashes of all its files. */
export async function lockRequirements() {
  for (const [suffix, { from, only, what }] of Object.entries(lists)) {
    const file = `requirements-image${suffix}.txt`;
    const args = [
      'pip',
      'compile',
      '--quiet',
      '--universal',
      '--python-version',
      '3.11',
      '--generate-hashes',
      '--no-header',
      '--no-annotate',
    ];
    const compiled = await uv([...args, ...from]);
    const text = only === undefined ? compiled : entry(compiled, only);
    writeFileSync(inRoot('runtime', file), `# ${what}, with hashes, for the image; node scripts/image.mjs --lock writes it.\n${text}`);
  }
}

async function uv(args) {
  try {
    return await run('uv', args, { cwd: inRoot('runtime') });
  } catch (error) {
    throw new StepFailed(`${error.message}\n--lock needs uv on the PATH: pip install uv`);
  }
}

function entry(text, name) {
  const found = new RegExp(`^${name}==[^]*?(?=^\\S|$(?![^]))`, 'm').exec(text)?.[0];
  if (found === undefined) throw new StepFailed(`${name} is not among the locked requirements`);
  return found;
}
