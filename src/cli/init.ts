import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AssayError } from '../contract';
import { template } from '../contract/specTemplate';

/** Writes a template that validates; never over an existing file. */
export async function init(dir: string): Promise<void> {
  const path = join(dir, 'experiment.yaml');
  await mkdir(dir, { recursive: true });
  try {
    await writeFile(path, template(), { flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new AssayError('SpecInvalid', `${path} exists already: name another folder, or edit it`, { cause });
    }
    throw cause;
  }
  process.stdout.write(`wrote ${path}\nnext: edit it, then \`assay validate ${path}\` and \`assay run ${path}\`\n`);
}
