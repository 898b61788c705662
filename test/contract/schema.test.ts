import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { metricCatalogue } from '../../src/contract';
import { experimentSchema, schemaKeys } from '../../src/contract/jsonSchema';
import { nearest } from '../../src/contract/nearest';
import { refusals } from '../../src/contract/specRefusals';

const root = join(__dirname, '../..');
const page = readFileSync(join(root, 'docs/experiment.md'), 'utf8').split('\n');

test('experiment.schema.json is what the code says', () => {
  const committed: unknown = JSON.parse(readFileSync(join(root, 'experiment.schema.json'), 'utf8'));
  expect(committed).toEqual(JSON.parse(JSON.stringify(experimentSchema())));
});

test('every key has a row in docs/experiment.md with its description and default', () => {
  const undocumented = schemaKeys().filter(({ path, schema, required }) => {
    const value = schema.default;
    const written = required ? 'required' : typeof value === 'string' ? value : JSON.stringify(value)?.replace(/["\s]/g, '');
    return !page.some((line) => {
      const cells = line.split('|').map((cell) => cell.trim());
      const defaultCell = (cells[3] ?? '').replace(/[`\s]/g, '');
      const matches = cells[1] === `\`${path}\`` && line.includes(`| ${schema.description} |`);
      return matches && (written === undefined || written === '{}' ? defaultCell === '' : defaultCell === written.replace(/\s/g, ''));
    });
  });
  expect(undocumented.map(({ path }) => path)).toEqual([]);
});

test('docs/experiment.md has no key that the schema and the refusals lack', () => {
  const known = new Set([...schemaKeys().map(({ path }) => path), ...refusals.map(({ path }) => path), ...Object.keys(metricCatalogue)]);
  const rows = page.flatMap((line) => /^\| `([^`]+)` \|/.exec(line)?.[1] ?? []);
  expect(rows.filter((path) => !known.has(path))).toEqual([]);
});

test('every refusal stands in docs/experiment.md with its sentence', () => {
  const missing = refusals.filter(
    ({ path, sentence }) => !page.some((line) => line.startsWith(`| \`${path}\` |`) && line.includes(sentence.replace('{value}', '…'))),
  );
  expect(missing.map(({ path }) => path)).toEqual([]);
});

test('every metric stands in docs/experiment.md with its direction, unit and source', () => {
  for (const [name, { better, unit, source }] of Object.entries(metricCatalogue)) {
    expect(page).toContain(`| \`${name}\` | ${better} | ${unit} | ${source} |`);
  }
});

test('the nearest name forgives case, hyphens and one edit for every three letters, and no more', () => {
  const names = ['accuracy', 'f1_macro', 'latency_p95', 'seeds'];
  expect(['acuracy', 'F1-Macro', 'latencyP95', 'sedes', 'accuracies'].map((word) => nearest(word, names))).toEqual([
    'accuracy',
    'f1_macro',
    'latency_p95',
    'seeds',
    'accuracy',
  ]);
  expect(nearest('bleu', names)).toBeUndefined();
});
