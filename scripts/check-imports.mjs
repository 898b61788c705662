// Holds the direction of imports: each room may import only the rooms on its line. Type imports count.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { inRoot, root } from './lib/root.mjs';

const domain = ['contract', 'stats', 'threads', 'placement', 'store', 'gpu', 'data', 'executor', 'checks', 'analysis', 'report', 'publish'];
const all = [...domain, 'pages', 'activities', 'client', 'stack', 'cli', 'api', 'observability'];

/** Room -> rooms it may import. Nothing imports `workflows`: the worker bundles them by path. */
const rooms = {
  contract: [],
  stats: [],
  threads: ['stats'],
  placement: ['contract'],
  store: ['contract', 'observability'],
  gpu: ['contract', 'observability'],
  data: ['store', 'contract', 'observability'],
  executor: ['store', 'contract', 'observability'],
  checks: ['stats', 'contract', 'observability'],
  analysis: ['checks', 'stats', 'contract', 'observability'],
  report: ['contract', 'observability'],
  pages: ['report', 'contract', 'observability'],
  publish: ['store', 'contract', 'observability'],
  workflows: ['contract', 'placement'],
  activities: [...domain, 'observability'],
  client: ['store', 'contract', 'observability'],
  stack: ['contract', 'observability'],
  cli: all,
  api: all,
  observability: [],
  workers: all,
};

const files = ['src', 'workers'].flatMap((folder) =>
  readdirSync(inRoot(folder), { recursive: true })
    .map((name) => join(folder, name))
    .filter((name) => name.endsWith('.ts')),
);
const problems = files.flatMap(check);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

function check(file) {
  const room = roomOf(file);
  if (!(room in rooms)) return [`${file}: "${room}" is not a room of scripts/check-imports.mjs; add it there with what it may import`];
  return importsOf(readFileSync(inRoot(file), 'utf8')).flatMap(({ line, specifier }) => {
    if (!specifier.startsWith('.')) return [];
    const target = relative(root, resolve(dirname(inRoot(file)), specifier));
    const other = roomOf(target);
    if (other === room || (other !== null && rooms[room].includes(other)) || target === 'package.json') return [];
    const allowed = rooms[room].length === 0 ? 'no other room' : `only ${rooms[room].join(', ')}`;
    return [`${file}:${line} imports ${target.split(sep).join('/')}, but ${room} may import ${allowed}`];
  });
}

/** Null for a file outside src/ and workers/. */
function roomOf(file) {
  const [top, room] = file.split(sep);
  if (top === 'workers') return 'workers';
  return top === 'src' ? (room ?? null) : null;
}

/** import and export ... from, bare import, import(), import type, import('x').T and require(); not require.resolve, which names a path. */
function importsOf(source) {
  const pattern = /(?:\bfrom|\bimport|\bimport\s*\(|\brequire\s*\()\s*(['"])([^'"\n]+)\1/g;
  const code = withoutComments(source);
  return [...code.matchAll(pattern)].map((match) => ({ line: code.slice(0, match.index).split('\n').length, specifier: match[2] }));
}

/** Comments become blanks of the same lines; strings are kept, since a specifier is one. */
function withoutComments(source) {
  return source.replace(/('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (text, string) =>
    string === undefined ? text.replace(/[^\n]/g, ' ') : text,
  );
}
