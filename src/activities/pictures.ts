import type { TestColumn } from '../analysis';
import type { RowContent } from '../contract';

type Picture = Extract<RowContent, { kind: 'image' }>;

const side = 64;
/** Of an encoded picture: beyond, it is not decoded. */
const mostPixels = 100_000_000;

/** An encoded picture made small; null where it is none, is broken or far too large. */
export async function pictureOf(bytes: Buffer): Promise<Picture | null> {
  const sharp = await decoder();
  const open = () => sharp(bytes, { limitInputPixels: mostPixels, failOn: 'error' });
  try {
    const { autoOrient } = await open().metadata();
    const small = await open()
      .autoOrient()
      .resize(side, side, { fit: 'inside', withoutEnlargement: true })
      // A palette keeps a page of many pictures small.
      .png({ palette: true, colours: 64, compressionLevel: 9 })
      .toBuffer();
    return { kind: 'image', uri: uriOf(small), width: autoOrient.width, height: autoOrient.height };
  } catch {
    return null;
  }
}

/** Columns that are the pixels of a picture, row by row from the top left. */
interface Pixels {
  columns: readonly { values: Float64Array }[];
  width: number;
  height: number;
  /** The value that is drawn white. */
  white: number;
}

/**
 * Whether numeric columns are a picture: numbered in a row (`p0` to `p63`, of a square of at least 8 x 8) or by row and column (`pixel_0_0`),
 * and holding whole numbers from 0 to 255 or shares from 0 to 1.
 */
export function pixelsOf(columns: readonly TestColumn[]): Pixels | null {
  const numbers = columns.flatMap((column) => (column.kind === 'number' && column.time !== true ? [column] : []));
  if (numbers.length < columns.length) return null;
  const shape = shapeOf(numbers.map(({ name }) => name));
  if (shape === null) return null;
  const values = numbers.flatMap((column) => [...column.values]);
  const white = values.reduce((most, value) => Math.max(most, value), 0);
  const fits = values.every((value) => value >= 0 && value <= 255) && (white <= 1 || values.every(Number.isInteger));
  return fits && white > 0 ? { columns: numbers, ...shape, white } : null;
}

/** A row of such columns as a picture, in grey. */
export async function drawn({ columns, width, height, white }: Pixels, row: number): Promise<Picture | null> {
  const grey = Uint8Array.from(columns, ({ values }) => Math.round((255 * (values[row] ?? 0)) / white));
  const sharp = await decoder();
  try {
    const small = await sharp(grey, { raw: { width, height, channels: 1 } })
      .resize(side, side, { fit: 'inside', withoutEnlargement: true })
      .toColourspace('b-w')
      .png({ compressionLevel: 9 })
      .toBuffer();
    return { kind: 'image', uri: uriOf(small), width, height };
  } catch {
    return null;
  }
}

function shapeOf(names: readonly string[]): { width: number; height: number } | null {
  const numbered = names.map((name) => /^(\D*)(\d+)$/.exec(name));
  const [first] = numbered;
  const from = Number(first?.[2]);
  if (numbered.every((found, i) => found !== null && found[1] === first?.[1] && Number(found[2]) === from + i)) {
    const width = Math.sqrt(names.length);
    return Number.isInteger(width) && width >= 8 ? { width, height: width } : null;
  }
  const placed = names.map((name) => /^(\D*)(\d+)\D(\d+)$/.exec(name));
  const last = placed.at(-1);
  const [top, left] = [Number(placed[0]?.[2]), Number(placed[0]?.[3])];
  const [height, width] = [Number(last?.[2]) - top + 1, Number(last?.[3]) - left + 1];
  const inPlace = placed.every(
    (found, i) => found !== null && Number(found[2]) === top + Math.floor(i / width) && Number(found[3]) === left + (i % width),
  );
  return inPlace && width >= 4 && height >= 4 && width * height === names.length ? { width, height } : null;
}

const uriOf = (png: Buffer): string => `data:image/png;base64,${png.toString('base64')}`;

/** Loaded only where there is something to draw. */
async function decoder() {
  const { default: sharp } = await import('sharp');
  sharp.concurrency(1);
  sharp.cache(false);
  return sharp;
}
