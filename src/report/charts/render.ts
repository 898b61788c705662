import type { TopLevelSpec } from 'vega-lite';
import { type Html, html, raw } from '../html';

export interface Chart {
  /** Unique in the page; the prefix of every id inside the drawing. */
  id: string;
  title: string;
  /** What a reader who cannot see it should know: the numbers that matter. A mark with `aria: true` and a `description` says it when hovered. */
  description: string;
  spec: TopLevelSpec;
}

/** Drawings are made one after another: Vega numbers its clip paths by a counter of the whole process. */
let last: Promise<unknown> = Promise.resolve();

/** A static, accessible SVG: no script, no style attribute, the same bytes for the same chart. */
export function renderChart(chart: Chart): Promise<Html> {
  const mine = last.then(() => draw(chart));
  last = mine.catch(() => undefined);
  return mine;
}

async function draw(chart: Chart): Promise<Html> {
  const vega = await import('vega');
  const { compile } = await import('vega-lite');
  const logger = vega.logger(vega.Error);
  const compiled = compile({ ...chart.spec, config: { ...theme, ...chart.spec.config } } as TopLevelSpec, { logger });
  vega.resetSVGDefIds();
  const view = new vega.View(vega.parse(compiled.spec), { renderer: 'none', logger });
  const svg = await view.toSVG();
  view.finalize();
  return inline(svg, chart);
}

function inline(svg: string, chart: Chart): Html {
  const open = /^<svg[^>]*?width="([\d.]+)" height="([\d.]+)" viewBox="([^"]+)">/.exec(svg);
  if (open === null) throw new TypeError(`unexpected drawing of chart ${chart.id}: ${svg.slice(0, 120)}`);
  const [head, width, height, viewBox] = open;
  const body = svg
    .slice(head.length, -'</svg>'.length)
    // What nobody sees is a third of a drawing: grounds without a colour, and the fifteenth decimal of a place.
    .replace(/<path class="background" d="[^"]*"\/>|<path class="foreground" d="" display="none"\/>/g, '')
    .replace(/ transform="[^"<>]*"(?=[^<>]*>)/g, (transform) => transform.replace(/(\.\d\d)\d+/g, '$1'))
    .replace(/ aria-label="([^"]*)"/g, ' data-tip="$1"')
    .replace(/ (?:role|aria-[a-z]+|pointer-events)="[^"]*"/g, '')
    .replace(/id="(clip|gradient)/g, `id="${chart.id}-$1`)
    .replace(/url\(#/g, `url(#${chart.id}-`);
  const title = `${chart.id}-title`;
  const description = `${chart.id}-description`;
  return html`<svg class="chart" role="img" aria-labelledby="${title} ${description}" width="${width}" height="${height}" viewBox="${viewBox}"><title id="${title}">${chart.title}</title><desc id="${description}">${chart.description}</desc>${raw(body)}</svg>`;
}

const font = 'system-ui, sans-serif';
const theme = {
  aria: false,
  background: 'transparent',
  padding: 4,
  font,
  view: { stroke: null },
  axis: {
    labelFont: font,
    titleFont: font,
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    labelColor: 'var(--muted)',
    titleColor: 'var(--muted)',
    gridColor: 'var(--grid)',
    domainColor: 'var(--line)',
    tickColor: 'var(--line)',
    titlePadding: 8,
  },
} as const;
