import { type Html, type HtmlValue, html } from '../html';

/** A section of the page with its heading; `id` is also the anchor of the navigation. */
export function section(id: string, title: string, ...body: HtmlValue[]): Html {
  return html`<section id="${id}" aria-labelledby="${id}-heading"><h2 id="${id}-heading">${title}</h2>${body}</section>
`;
}

export interface Column {
  head: HtmlValue;
  /** Numbers stand right and line up. */
  number?: boolean;
}

/** A table that scrolls by itself on a narrow screen. The first cell of a row is its header. */
export function table(id: string, caption: HtmlValue, columns: Column[], rows: HtmlValue[][], className = ''): Html {
  const cell = (value: HtmlValue, i: number): Html => {
    const kind = columns[i]?.number ? html` class="number"` : null;
    return i === 0 ? html`<th scope="row"${kind}>${value}</th>` : html`<td${kind}>${value}</td>`;
  };
  return scroll(
    id,
    html`<table class="${className}"><caption id="${id}">${caption}</caption><thead><tr>${columns.map((column) => html`<th scope="col"${column.number ? html` class="number"` : null}>${column.head}</th>`)}</tr></thead><tbody>${rows.map(
      (row) => html`<tr>${row.map(cell)}</tr>
`,
    )}</tbody></table>`,
  );
}

export const scroll = (captionId: string, body: Html): Html =>
  html`<div class="scroll" role="region" tabindex="0" aria-labelledby="${captionId}">${body}</div>`;

export const details = (summary: HtmlValue, ...body: HtmlValue[]): Html => html`<details><summary>${summary}</summary>${body}</details>`;

export const bullets = (items: readonly HtmlValue[], className = ''): Html =>
  html`<ul class="${className}">${items.map((item) => html`<li>${item}</li>`)}</ul>`;

/** Name and value pairs. */
export const facts = (pairs: readonly (readonly [string, HtmlValue])[]): Html =>
  html`<dl class="facts">${pairs.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

export const code = (text: string): Html => html`<code>${text}</code>`;

/** An address as a link to it; what is no address of the web stays text. */
export const link = (url: string): Html =>
  /^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : '') ? html`<a href="${url}" rel="noreferrer">${code(url)}</a>` : code(url);

/** A user's name: its direction is its own, and a long one breaks. */
export const name = (text: string): Html => html`<bdi>${text}</bdi>`;

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
