import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { inRoot } from '../lib/root.mjs';
import { until } from './story.mjs';

const require = createRequire(import.meta.url);
const { chromium } = require('playwright-core');
const sharp = require('sharp');

const widths = [360, 800, 1400];
const schemes = ['light', 'dark'];
const mostBytes = 100_000;
/** CSS pixels; a page of thousands of rows is seen in its beginning. */
const mostHeight = 8000;
const documents = inRoot('docs/images');

/**
 * A browser that takes pictures. `all` takes a page at every width, light and dark, into `folder`, and says what sticks out or went wrong there;
 * `document` takes one for the documentation, made smaller until it is below the limit.
 */
export async function openCamera({ folder, wanted }) {
  const browser = await chromium.launch({
    executablePath: process.env.ASSAY_TEST_CHROMIUM ?? process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const shots = [];
  const pages = new Map();

  async function pageOf(width, scheme) {
    const key = `${width} ${scheme}`;
    if (!pages.has(key)) {
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme, reducedMotion: 'reduce' });
      const page = await context.newPage();
      page.trouble = [];
      page.on('console', (message) => message.type() === 'error' && page.trouble.push(message.text()));
      page.on('pageerror', (error) => page.trouble.push(String(error)));
      pages.set(key, page);
    }
    return pages.get(key);
  }

  async function all(name, address, { shows = null, sections = null } = {}) {
    if (folder === null || !wanted(name)) return;
    mkdirSync(folder, { recursive: true });
    for (const scheme of schemes)
      for (const width of widths) {
        const page = await pageOf(width, scheme);
        page.trouble.length = 0;
        const answer = await page.goto(address, { waitUntil: 'load' });
        if (shows !== null) await until(() => page.getByText(shows).count());
        await page.evaluate(() => document.fonts.ready);
        const trouble = [...new Set(page.trouble)].filter((text) => !(answer?.status() === 404 && text.includes('404')));
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (wide > 0) trouble.push(`${wide} px wider than the screen`);
        const parts =
          sections === null ? [null] : await page.$$eval(sections, (found) => found.map((one) => one.id || one.className.split(' ')[0]));
        for (const [i, part] of parts.entries()) {
          const file = `${part === null ? name : `${name}-${part}`}.${width}.${scheme}.webp`;
          const png = part === null ? await whole(page, width) : await page.locator(sections).nth(i).screenshot();
          writeFileSync(join(folder, file), await sharp(png).webp({ quality: 82 }).toBuffer());
          shots.push({ part: file.split('.')[0], width, scheme, file, trouble });
        }
        console.log(`${name} ${width} ${scheme}${trouble.length > 0 ? `: ${trouble.join('; ')}` : ''}`);
      }
  }

  async function whole(page, width) {
    const height = Math.min(mostHeight, await page.evaluate(() => document.documentElement.scrollHeight));
    return page.screenshot({ fullPage: true, clip: { x: 0, y: 0, width, height } });
  }

  /** Of the documentation: one size, light, as much as fits on a screen. */
  async function forDocs(name, address, { shows = null, width = 1440, height = 900 } = {}) {
    if (!wanted(name)) return;
    const context = await browser.newContext({ viewport: { width, height }, reducedMotion: 'reduce' });
    try {
      const page = await context.newPage();
      await page.goto(address, { waitUntil: 'load' });
      // Markdown of a workflow is shown in frames of the Temporal UI, which draws for a while.
      if (shows !== null)
        await until(async () => (await Promise.all(page.frames().map((frame) => frame.getByText(shows).count()))).some(Boolean));
      await page.waitForTimeout(1500);
      await keep(name, await page.screenshot());
    } finally {
      await context.close();
    }
  }

  /** A drawing of our own, e.g. of a terminal, without anything around it. */
  async function ofHtml(name, content, selector) {
    const context = await browser.newContext({ viewport: { width: 1400, height: 1600 }, deviceScaleFactor: 1.5 });
    try {
      const page = await context.newPage();
      await page.setContent(content);
      await keep(name, await page.locator(selector).screenshot({ omitBackground: true }), { drawing: true });
    } finally {
      await context.close();
    }
  }

  function close() {
    return browser.close();
  }

  /** A page of all pictures beside each other, and what is wrong with them. */
  function writeSheet() {
    if (folder === null || shots.length === 0) return;
    const parts = [...new Set(shots.map(({ part }) => part))];
    const rows = parts.map((part) => {
      const own = shots.filter((shot) => shot.part === part);
      const cells = own.map(
        ({ file, width, scheme, trouble }) =>
          `<figure><a href="${file}"><img loading="lazy" src="${file}" alt="${part}, ${width} px, ${scheme}"></a><figcaption>${width} ${scheme}${trouble.map((text) => ` <strong>${escaped(text)}</strong>`).join('')}</figcaption></figure>`,
      );
      return `<h2>${part}</h2><div>${cells.join('')}</div>`;
    });
    const style =
      'body{font:14px sans-serif;background:#888}div{display:flex;gap:8px;align-items:start}img{max-width:100%;max-height:700px}figure{margin:0}strong{color:#900}';
    writeFileSync(
      join(folder, 'index.html'),
      `<!doctype html><meta charset="utf-8"><title>assay: screenshots</title><style>${style}</style>${rows.join('\n')}\n`,
    );
    console.log(`${shots.length} pictures in ${join(folder, 'index.html')}`);
  }

  return { all, forDocs, ofHtml, close, writeSheet };
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Lossy for pages; a drawing of few colours is both smaller and sharper without loss. */
async function keep(name, png, { drawing = false } = {}) {
  const { width } = await sharp(png).metadata();
  const encodings = drawing
    ? [1, 0.8, 2 / 3].map((scale) => async () => {
        const scaled = await sharp(png)
          .resize(Math.round(width * scale))
          .png({ palette: true, colours: 48, dither: 0 })
          .toBuffer();
        return sharp(scaled).webp({ lossless: true, effort: 6 }).toBuffer();
      })
    : [85, 70, 55, 40].map((quality) => () => sharp(png).webp({ quality, effort: 6 }).toBuffer());
  for (const encode of encodings) {
    const bytes = await encode();
    if (bytes.length > mostBytes) continue;
    mkdirSync(documents, { recursive: true });
    writeFileSync(join(documents, `${name}.webp`), bytes);
    console.log(`docs/images/${name}.webp ${bytes.length} bytes`);
    return;
  }
  throw new Error(`${name}.webp does not get below ${mostBytes} bytes`);
}
