import { createHash } from 'node:crypto';
import { css } from './css';
import { type Html, html, raw } from './html';

/** One self-contained page: no script, nothing loaded, nothing but its own style allowed. */
export function htmlDocument({ title, skipTo, body, footer }: { title: string; skipTo: string; body: Html; footer: string }): string {
  const styleHash = createHash('sha256').update(css).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; img-src data:; base-uri 'none'; form-action 'none'`;
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
</body>
</html>
`.text;
}
