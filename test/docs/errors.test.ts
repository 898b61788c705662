import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCatalogue } from '../../src/contract';

test('docs/errors.md lists each error of the catalogue with its retry, meaning and mend, and no other', () => {
  const page = readFileSync(join(__dirname, '../../docs/errors.md'), 'utf8');
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.slice(2, -2).split(' | '));
  const catalogue = Object.entries(errorCatalogue).map(([type, { retryable, meaning, mend }]) => [
    `\`${type}\``,
    retryable ? 'yes' : 'no',
    meaning,
    mend,
  ]);
  expect(rows).toEqual(catalogue);
});
