// Holds every relative link of the repository's Markdown to a file that is there, and every anchor to a heading.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const root = join(__dirname, '..', '..');
const leftOut = /(^|\/)(node_modules|dist|\.assay)\//;
const pages = execFileSync('find', ['.', '-name', '*.md', '-not', '-path', '*/node_modules/*'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '' && !leftOut.test(path))
  .map((path) => normalize(path))
  .sort();

/** Text without fenced blocks and code spans, which hold no links. */
const prose = (path: string): string =>
  readFileSync(join(root, path), 'utf8')
    .replaceAll(/^(`{3,}|~{3,})[^]*?^\1/gm, '')
    .replaceAll(/`[^`\n]*`/g, (code) => (/^`[^`]*`$/.test(code) ? code.replaceAll(/[[\]()]/g, '') : code));

/** Anchors of a page's headings, as GitHub makes them. */
function anchorsOf(path: string): Set<string> {
  const seen = new Map<string, number>();
  const headings = [...prose(path).matchAll(/^#{1,6} +(.+?) *#*$/gm)].map(([, heading]) => heading as string);
  return new Set(
    headings.map((heading) => {
      const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
      const anchor = plain.replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '').replaceAll(' ', '-');
      const before = seen.get(anchor) ?? 0;
      seen.set(anchor, before + 1);
      return before === 0 ? anchor : `${anchor}-${before}`;
    }),
  );
}

const linksOf = (path: string): string[] => [
  ...[...prose(path).matchAll(/\]\(<?([^)\s>]+)>?(?: +"[^"]*")?\)/g)].map(([, target]) => target as string),
  ...[...prose(path).matchAll(/^\[[^\]]+\]: +(\S+)/gm)].map(([, target]) => target as string),
];

test('every relative link of a page leads to a file that is there, and every anchor to a heading', () => {
  const broken: string[] = [];
  let followed = 0;
  for (const page of pages)
    for (const link of linksOf(page)) {
      if (/^[a-z][a-z+.-]*:/i.test(link)) continue;
      followed++;
      const [file, anchor] = decodeURI(link).split('#') as [string, string?];
      const target = file === '' ? page : normalize(join(dirname(page), file));
      if (target.startsWith('..') || !existsSync(join(root, target))) broken.push(`${page}: ${link}: no such file`);
      else if (anchor !== undefined && !(statSync(join(root, target)).isFile() && anchorsOf(target).has(anchor)))
        broken.push(`${page}: ${link}: no such heading`);
    }
  expect(broken).toEqual([]);
  expect(followed).toBeGreaterThan(100);
});

test('the README leads to every page of docs, and to every example', () => {
  const linked = new Set(linksOf('README.md').map((link) => normalize(link)));
  const expected = pages.filter((page) => /^docs\/[^/]+\.md$/.test(page));
  const examples = execFileSync('ls', ['examples'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
  expect([...expected, ...examples.map((name) => `examples/${name}`)].filter((page) => !linked.has(page))).toEqual([]);
});
