/** Markup that may be placed in a page as it is. Made only by `html` and `raw`. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

export type HtmlValue = Html | string | number | null | undefined | false | readonly HtmlValue[];

/** Tagged template: every value is escaped unless it is `Html`; arrays are joined; null, undefined and false give nothing. */
export function html(strings: TemplateStringsArray, ...values: HtmlValue[]): Html {
  return new Html(strings.reduce((page, part, i) => page + render(values[i - 1]) + part));
}

/** Only for markup made here (a rendered chart, the stylesheet), never for anything a user wrote. */
export const raw = (text: string): Html => new Html(text);

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function render(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  return typeof value === 'object' ? value.map(render).join('') : escapeHtml(String(value));
}
