import { loadSpec } from '../../src/contract/loadSpec';
import { refusals } from '../../src/contract/specRefusals';
import { changed } from './fixtures';

const add = (text: string): string => changed(['varies: [h]\n', `varies: [h]\n${text}\n`]);
const source = (value: string): string => changed(['./data', value]);
const model = (value: string): string => changed(['{name: b,', `{name: b, model: "${value}",`]);
const corrections = 'comes with further corrections, which this version lacks; use "holm" or "none"';
const address = 'is an address; download it and name the local file or folder';

const cases: [place: string, file: string, sentence: string][] = [
  [
    'data.source',
    source('s3://key:secret@bucket/p'),
    'holds a user, password or key, which would be written to histories; credentials come from the AWS chain',
  ],
  ['data.source', source('https://example.org/d.csv'), `https://example.org/d.csv ${address}`],
  ['data.source', source('"builtin:iris"'), 'builtin:iris is no data set that comes along; there is "builtin:digits"'],
  [
    'variants[1].model',
    model('s3://m/b.onnx'),
    's3://m/b.onnx comes with models on S3, which this version lacks; copy the model to a local file or folder',
  ],
  ['variants[1].model', model('https://example.org/m'), `https://example.org/m ${address}`],
  [
    'evaluation.latency.interleave',
    add('evaluation: {latency: {interleave: false}}'),
    'false would let a drifting machine strike one variant alone, and is not offered; leave it out',
  ],
  [
    'analysis.correction',
    add('analysis: {correction: max-t}'),
    'max-t is what "holm" does wherever the candidates share their resamples; use "holm"',
  ],
  ...['bonferroni', 'hochberg', 'hommel', 'benjamini-hochberg', 'benjamini-yekutieli'].map((correction): [string, string, string] => [
    'analysis.correction',
    add(`analysis: {correction: ${correction}}`),
    `${correction} ${corrections}`,
  ]),
];

function problemsOf(text: string): string[] {
  try {
    loadSpec(text, { file: 'experiment.yaml', root: '/experiment' });
  } catch (error) {
    return (error as Error).message.split('\n').filter((line) => line.startsWith('experiment.yaml:'));
  }
  return [];
}

test.each(cases)('%s is refused in one sentence of its own: %#', (place, text, sentence) => {
  expect(problemsOf(text).map((line) => line.replace(/^experiment\.yaml:\d+:\d+: /, ''))).toEqual([`${place}: ${sentence}`]);
});

test('every refusal has a case above', () => {
  const covered = new Set(cases.map(([place]) => place.replace(/\[\d+\]/g, '[]')));
  expect([...new Set(refusals.map(({ path }) => path))].filter((path) => !covered.has(path))).toEqual([]);
  expect(cases.length).toBeGreaterThanOrEqual(refusals.length);
});

test('a word that no part of the design has is no refusal but a wrong choice', () => {
  expect(problemsOf(add('runtime: {executor: podman}'))).toEqual([
    'experiment.yaml:10:21: runtime.executor: expected one of process, docker, got "podman"',
  ]);
});
