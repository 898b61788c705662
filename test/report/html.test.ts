import { escapeHtml, html, raw } from '../../src/report/html';

test('every value is escaped, whatever its place in the template', () => {
  const evil = `<script>alert('x')</script>&"`;
  expect(html`<p title="${evil}">${evil}</p>`.text).toBe(`<p title="${escapeHtml(evil)}">${escapeHtml(evil)}</p>`);
  expect(escapeHtml(evil)).not.toMatch(/[<>"']/);
});

test('templates nest and arrays are joined without being escaped twice', () => {
  expect(html`<ul>${['a&b', 'c'].map((item) => html`<li>${item}</li>`)}</ul>`.text).toBe('<ul><li>a&#38;b</li><li>c</li></ul>');
});

test('null, undefined and false give nothing, while zero stays', () => {
  expect(html`[${null}${undefined}${false}${0}]`.text).toBe('[0]');
});

test('raw markup passes as it is', () => {
  expect(html`${raw('<b>x</b>')}`.text).toBe('<b>x</b>');
});
