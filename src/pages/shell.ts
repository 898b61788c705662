import { type Html, html } from '../report/html';
import { assetUrl } from './assets';

/** Entries of the navigation. */
const sections = [
  { name: 'experiments', href: '/', label: 'Experiments' },
  { name: 'series', href: '/series', label: 'Series' },
  { name: 'schedules', href: '/schedules', label: 'Schedules' },
  { name: 'gpus', href: '/gpus', label: 'GPUs' },
] as const;
export type Section = (typeof sections)[number]['name'];

/** Who looks, and what is offered to them. */
export interface Viewer {
  /** Name of the token; null where none is needed, or nobody has signed in. */
  name: string | null;
  /** May start and steer. */
  mayRun: boolean;
  /** May approve, reject, and change what others hold. */
  mayAdmin: boolean;
}

export const nobody: Viewer = { name: null, mayRun: false, mayAdmin: false };

export interface Page {
  /** Of the window; " · assay" is added. */
  title: string;
  /** The entry of the navigation that the page belongs to. */
  current: Section | null;
  /** Content of `main`; it has the page's one `h1`. */
  body: Html;
  viewer: Viewer;
  /** ES modules of `assets/`, e.g. `list.js`. */
  scripts?: readonly string[];
  /** Stylesheets of `assets/` beside `pages.css`. */
  styles?: readonly string[];
  /** Adds the empty `#said`, which tells readers of the screen what a script puts into it. */
  live?: boolean;
}

/** What a page may load and do: its own files and address, no inline script or style. */
export const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** A whole page with header, navigation and footer. */
export function pageDocument({ title, current, body, viewer, scripts = [], styles = [], live = false }: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · assay</title>
<link rel="icon" href="${assetUrl('icon.svg')}">
${['pages.css', ...styles].map((name) => html`<link rel="stylesheet" href="${assetUrl(name)}">`)}
${scripts.map((name) => html`<script type="module" src="${assetUrl(name)}"></script>`)}
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="bar"><div>
<a class="brand" href="/">assay</a>
<nav aria-label="Pages">${sections.map(({ name, href, label }) => html`<a href="${href}"${name === current ? html` aria-current="page"` : null}>${label}</a>`)}</nav>
${viewer.name === null ? null : html`<form class="who" method="post" action="/sign-out"><span>${viewer.name}</span><button type="submit" class="quiet">Sign out</button></form>`}
</div></header>
<main id="main" tabindex="-1">
${body}
</main>
${live ? html`<p id="said" class="unseen" role="status"></p>` : null}
<footer><p>assay · <a href="/openapi.json">API</a></p></footer>
</body>
</html>
`.text;
}
