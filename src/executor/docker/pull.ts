import { createInterface } from 'node:readline';
import type Docker from 'dockerode';

interface Pulling {
  onProgress: (text: string) => void;
  signal: AbortSignal | undefined;
}

/** Pulls to the end; an error that the engine reports on the way is thrown. */
export async function pulling(docker: Docker, reference: string, { onProgress, signal }: Pulling): Promise<void> {
  const stream = await docker.pull(reference, signal ? { abortSignal: signal } : {});
  const layers = new Map<string, Layer>();
  let told = '';
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === '') continue;
    const event = JSON.parse(line) as Event;
    if (event.error !== undefined) throw new Error(event.errorDetail?.message ?? event.error);
    note(layers, event);
    const text = progressOf(layers);
    if (text !== told) onProgress(text);
    told = text;
  }
  signal?.throwIfAborted();
}

interface Event {
  status?: string;
  id?: string;
  progressDetail?: { current?: number; total?: number };
  error?: string;
  errorDetail?: { message?: string };
}

interface Layer {
  done: boolean;
  current: number;
  total: number;
}

function note(layers: Map<string, Layer>, { status = '', id, progressDetail = {} }: Event): void {
  if (id === undefined || !/^[0-9a-f]{12}$/.test(id)) return;
  const layer = layers.get(id) ?? { done: false, current: 0, total: 0 };
  layers.set(id, layer);
  if (status === 'Downloading') Object.assign(layer, { current: progressDetail.current ?? 0, total: progressDetail.total ?? 0 });
  if (status === 'Download complete') layer.current = layer.total;
  layer.done ||= status === 'Pull complete' || status === 'Already exists';
}

/** Bytes as far as their number is known, which is so once a layer's download has begun. */
function progressOf(layers: Map<string, Layer>): string {
  const all = [...layers.values()];
  const sum = (of: (layer: Layer) => number): number => all.reduce((total, layer) => total + of(layer), 0);
  const total = sum((layer) => layer.total);
  const percent = total === 0 ? 0 : Math.floor((100 * sum((layer) => layer.current)) / total);
  return `pulling ${all.filter((layer) => layer.done).length} of ${all.length} layers, ${percent} %`;
}
