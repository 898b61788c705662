import { createHash } from 'node:crypto';
import { css } from './css';
import { hoverScript } from './hover';
import { type Html, html, raw } from './html';

/** One self-contained page: nothing loaded, and nothing allowed but its own style and its one script, by their hashes. */
export function htmlDocument({ title, skipTo, body, footer }: { title: string; skipTo: string; body: Html; footer: string }): string {
  const policy = `default-src 'none'; style-src ${hash(css)}; script-src ${hash(hoverScript)}; img-src data:; base-uri 'none'; form-action 'none'`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${raw(css)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to ${skipTo}</a>
<main id="main">
${body}
</main>
<footer><p>${footer}</p></footer>
<script>${raw(hoverScript)}</script>
</body>
</html>
`.text;
}

const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
