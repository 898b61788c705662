import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { css } from '../report/css';

/** A file that pages load, served at `/assets/<name>`. */
export interface Asset {
  body: Buffer;
  type: string;
  /** First 16 hexadecimal digits of its SHA-256: a part of its address in pages, so that it may be kept for ever. */
  digest: string;
}

/** The files of `assets/`, by name. `pages.css` begins with the report's stylesheet, so that pages and reports look alike. */
export function pageAssets(): ReadonlyMap<string, Asset> {
  known ??= readAssets();
  return known;
}

/** Address of a file of `assets/`; throws where there is none. */
export function assetUrl(name: string): string {
  const asset = pageAssets().get(name);
  if (asset === undefined) throw new TypeError(`src/pages/assets has no file "${name}"; it has ${[...pageAssets().keys()].join(', ')}`);
  return `/assets/${name}?v=${asset.digest}`;
}

let known: ReadonlyMap<string, Asset> | undefined;

const types: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

function readAssets(): ReadonlyMap<string, Asset> {
  const folder = join(__dirname, 'assets');
  const names = readdirSync(folder).filter((name) => extname(name) in types);
  return new Map(
    names.map((name) => {
      const file = readFileSync(join(folder, name));
      const body = name === 'pages.css' ? Buffer.concat([Buffer.from(css), file]) : file;
      const digest = createHash('sha256').update(body).digest('hex').slice(0, 16);
      return [name, { body, type: types[extname(name)] ?? '', digest }];
    }),
  );
}
