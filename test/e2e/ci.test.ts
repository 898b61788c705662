// Proves: examples/ci/regression.sh, run in a real git repository, holds each submitted model against the one it replaces: exit code 4 for a
// worse one and for one that cannot be read, 0 for an equal one and where no model changed, 2 for a wrong file; and leaves a comment each time.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Result } from '../../src/contract';

const root = join(__dirname, '..', '..');
const assay = join(root, 'bin', 'assay');
const folder = mkdtempSync(join(tmpdir(), 'assay-ci-'));
const env = { ...process.env, ASSAY: assay, ASSAY_HOME: join(folder, 'home'), NO_COLOR: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
const model = join(folder, 'examples', 'ci', 'models', 'classifier.npz');

beforeAll(() => {
  for (const example of ['ci', 'pretrained'])
    cpSync(join(root, 'examples', example), join(folder, 'examples', example), { recursive: true });
  git('init', '-q', '-b', 'main');
  git('add', 'examples');
  commit('the model that is served');
  git('checkout', '-q', '-b', 'submission');
});

afterAll(() => {
  spawnSync(assay, ['down'], { env });
  rmSync(folder, { recursive: true, force: true });
});

test('a worse model ends with exit code 4, and with a comment that says by how much', () => {
  resave("layers['w0'][:, :20] = 0");
  commit('a smaller model');
  const { code, files } = regression('worse');
  expect(files).toEqual(['base', 'classifier.html', 'classifier.json', 'classifier.md']);
  const comment = readFileSync(join(folder, 'worse', 'classifier.md'), 'utf8');
  expect(comment).toMatch(/^<!-- assay:regression-classifier -->\n## ■ Keep the control.*: regression-classifier\n/);
  expect(comment).toMatch(/\| \*\*accuracy\*\* \(primary\) \| submitted − main \| −\d+\.\d\d pp \| \[−/);
  expect(comment).toMatch(/Cost: 2 runs · /);
  const result = JSON.parse(readFileSync(join(folder, 'worse', 'classifier.json'), 'utf8')) as Result;
  expect([code, result.verdict.outcome, result.plan.test]).toEqual([4, 'keep', 'non-inferiority']);
}, 180_000);

test('a model that predicts the same ends with exit code 0, and rewrites the same comment', () => {
  resave('');
  commit('the same weights in another file');
  const { code } = regression('equal');
  const comment = readFileSync(join(folder, 'equal', 'classifier.md'), 'utf8');
  expect(comment).toMatch(/^<!-- assay:regression-classifier -->\n## ✓ Adopt: regression-classifier\n/);
  expect(code).toBe(0);
}, 180_000);

test('a model that cannot be read is a verdict that --fail-on names, and the comment has the reason', () => {
  writeFileSync(model, 'not a model');
  commit('a mistake');
  const { code } = regression('broken');
  const comment = readFileSync(join(folder, 'broken', 'classifier.md'), 'utf8');
  expect(comment).toMatch(/^<!-- assay:regression-classifier -->\n## \? Inconclusive: regression-classifier\n/);
  expect(comment).toMatch(/### Runs without a result\n\n- submitted seed 1: .*(pickle|npz|zip|load)/i);
  expect(code).toBe(4);
}, 180_000);

test('an experiment that cannot begin ends with exit code 2, and its comment replaces the one of before', () => {
  const file = join(folder, 'examples', 'ci', 'experiment.yaml');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('margin: 0.01', 'margn: 0.01'));
  const { code } = regression('wrong');
  writeFileSync(file, text);
  const comment = readFileSync(join(folder, 'wrong', 'classifier.md'), 'utf8');
  expect(comment).toMatch(
    /^<!-- assay:regression-classifier -->\n## ✕ No verdict: regression-classifier\n\n\*\*The input is wrong \(SpecInvalid\)/,
  );
  expect(comment).toContain('margn');
  expect(code).toBe(2);
});

test('without a changed model there is nothing to compare, and the exit code is 0', () => {
  git('checkout', '-q', '-B', 'elsewhere', 'main');
  expect(regression('nothing')).toEqual({ code: 0, files: ['base'] });
});

/** The model of the main branch in another file, changed. */
function resave(change: string): void {
  const code = `import sys, numpy as np\nlayers = dict(np.load(sys.argv[1]))\n${change}\nnp.savez(sys.argv[2], **layers)`;
  execFileSync(process.env.ASSAY_PYTHON ?? 'python3', ['-c', code, join(root, 'examples', 'ci', 'models', 'classifier.npz'), model]);
}

function regression(out: string): { code: number | null; files: string[] } {
  const ended = spawnSync(join(folder, 'examples', 'ci', 'regression.sh'), ['main', out], { cwd: folder, env, encoding: 'utf8' });
  if (!existsSync(join(folder, out))) throw new Error(ended.stderr);
  return { code: ended.status, files: readdirSync(join(folder, out)).sort() };
}

function git(...args: string[]): void {
  execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.org', ...args], { cwd: folder, env });
}

const commit = (message: string): void => git('commit', '-q', '-a', '--no-gpg-sign', '-m', message);
