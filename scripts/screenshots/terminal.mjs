import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { inRoot } from '../lib/root.mjs';

const require = createRequire(import.meta.url);
const { Terminal } = require('@xterm/headless');
const { SerializeAddon } = require('@xterm/addon-serialize');

const [columns, rows] = [108, 24];
/** Of a terminal on dark ground, which stands well on a light page and on a dark one. */
const [background, foreground, muted] = ['#161b22', '#e6edf3', '#8b949e'];
/** The serializer's colours, which are for a light ground, and what is read on a dark one. */
const readable = {
  '#2e3436': muted,
  '#cc0000': '#ff7b72',
  '#4e9a06': '#56d364',
  '#c4a000': '#e3b341',
  '#3465a4': '#79c0ff',
  '#75507b': '#d2a8ff',
  '#06989a': '#56d4dd',
};

/** The example of the README on a terminal, as a person sees it: in the middle of the training, and at its end. HTML with a `figure`. */
export async function terminalPicture(more, words = ['run', 'examples/digits/experiment.yaml']) {
  const terminal = new Terminal({ cols: columns, rows, scrollback: 200, allowProposedApi: true });
  const serializer = new SerializeAddon();
  terminal.loadAddon(serializer);
  const lines = () =>
    Array.from({ length: terminal.buffer.active.length }, (_, i) => terminal.buffer.active.getLine(i)?.translateToString(true) ?? '');
  const command = [process.execPath, inRoot('bin/assay'), ...words];
  const { CI: _, NO_COLOR: __, ...env } = process.env;
  const child = spawn(process.env.ASSAY_PYTHON, [inRoot('scripts/lib/onTerminal.py'), String(columns), String(rows), ...command], {
    cwd: inRoot(),
    env: { ...env, TERM: 'xterm-256color', ...more },
  });
  const exited = new Promise((done) => child.on('close', done));
  child.stdout.setEncoding('utf8').on('data', (text) => terminal.write(text));
  child.stdin.on('error', () => {});

  // The moment that shows most: runs that are done, runs that train, and how long they will.
  let best = { score: 0, screen: null };
  const look = setInterval(() => {
    const score = scoreOf(lines());
    if (score > best.score) best = { score, screen: serializer.serializeAsHTML() };
  }, 400);
  const code = await exited;
  clearInterval(look);
  if (code !== 0 || best.screen === null) throw new Error(`the example failed, or was never seen running:\n${lines().join('\n')}`);
  await new Promise((done) => terminal.write('', done));
  const end = serializer.serializeAsHTML({ scrollback: 200 });
  return document([
    [`assay ${words.join(' ')}`, best.screen],
    ['… and at its end', end],
  ]);
}

function scoreOf(lines) {
  const training = lines.filter((line) => /^▸ \S+\/\d +[\d,]+\/[\d,]+ +\d/.test(line));
  const done = lines.filter((line) => /^✓ \S+\/\d/.test(line)).length;
  const left = training.filter((line) => /\d (?:s|min) *$/.test(line)).length;
  return training.length === 0 ? 0 : 2 * training.length + 3 * left + Math.min(done, 5);
}

function document(panes) {
  const shown = panes.map(([title, screen]) => `<section><h1>${title}</h1>${linesOf(screen)}</section>`);
  return `<!doctype html><meta charset="utf-8"><style>
body { margin: 0; background: transparent }
figure { margin: 0; padding: 4px; display: inline-block }
section { background: ${background}; border: 1px solid #30363d; border-radius: 10px; padding: 0 18px 14px }
section + section { margin-top: 10px }
h1 { font: 13px 'DejaVu Sans Mono', monospace; color: ${muted}; margin: 0 -18px 12px; padding: 9px 18px; border-bottom: 1px solid #30363d }
pre { margin: 0; font: 14px/1.35 'DejaVu Sans Mono', monospace; color: ${foreground} }
pre div { min-height: 1.35em }
</style><figure>${shown.join('')}</figure>`;
}

/** The lines of the serialized screen without its own ground and font, and without the empty ones at its end. */
function linesOf(screen) {
  const inner = /<pre><div[^>]*>([^]*)<\/div><\/pre>/.exec(screen)?.[1] ?? '';
  const found = inner.split(/(?<=<\/div>)/);
  while (
    found.length > 0 &&
    found
      .at(-1)
      .replace(/<[^>]*>/g, '')
      .trim() === ''
  )
    found.pop();
  return `<pre>${found.join('').replace(/#[0-9a-f]{6}/g, (colour) => readable[colour] ?? colour)}</pre>`;
}
