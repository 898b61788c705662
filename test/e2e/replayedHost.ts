import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const gpu = join(__dirname, '..', 'gpu');

/** What stands in for nvidia-smi on one host: a recorded case, under UUIDs of one's own where some are given, that a test may change. */
export class ReplayedHost {
  readonly dir: string;
  /** For the host's worker. */
  readonly env: Record<string, string>;

  constructor(folder: string, recorded: string, uuids: readonly string[] = []) {
    this.dir = mkdtempSync(join(folder, `${recorded}-`));
    cpSync(join(gpu, 'recorded', recorded), this.dir, { recursive: true });
    this.env = {
      ASSAY_NVIDIA_SMI: `${process.execPath} ${join(gpu, 'replay.mjs')} ${this.dir}`,
      ASSAY_DEVICE_CHECK: `${process.execPath} ${join(gpu, 'product.mjs')}`,
    };
    if (uuids.length > 0) this.multiply(uuids);
  }

  /** Changes cells of one device; what is not recorded of this driver is refused. */
  set(uuid: string, cells: Record<string, string>, files: readonly string[] = ['gpus.csv', 'load.csv']): void {
    for (const file of files) {
      this.edit(file, (header, rows) => {
        const places = Object.entries(cells).map(([name, value]) => [placeOf(header, name), value] as const);
        return rows.map((row) =>
          row[placeOf(header, 'uuid')] === uuid ? row.map((cell, i) => places.find(([at]) => at === i)?.[1] ?? cell) : row,
        );
      });
    }
  }

  /** As in the recorded loss: number, name and bus id keep their values. */
  lose(uuid: string): void {
    this.edit('gpus.csv', (header, rows) => {
      const first = placeOf(header, 'pci.bus_id') + 1;
      const own = placeOf(header, 'uuid');
      return rows.map((row) => (row[own] === uuid ? row.map((cell, i) => (i < first ? cell : '[GPU is lost]')) : row));
    });
  }

  private multiply(uuids: readonly string[]): void {
    const busId = (i: number): string => `00000000:${(0x10 + i).toString(16)}:00.0`;
    for (const file of ['gpus.csv', 'load.csv']) {
      this.edit(file, (header, rows) =>
        uuids.flatMap((uuid, i) =>
          rows.map((row) => row.with(placeOf(header, 'uuid'), uuid).with(placeOf(header, 'pci.bus_id'), busId(i))),
        ),
      );
    }
    const model = /^GPU 0: (.+) \(UUID/.exec(this.read('list.txt'))?.[1] ?? '';
    this.write('list.txt', uuids.map((uuid, i) => `GPU ${i}: ${model} (UUID: ${uuid})\n`).join(''));
    const [head = '', body = ''] = this.read('query.txt').split(/^GPU .*\n/m);
    this.write('query.txt', head + uuids.map((_, i) => `GPU ${busId(i)}\n${body}`).join(''));
  }

  private edit(file: string, change: (header: string[], rows: string[][]) => string[][]): void {
    if (!existsSync(join(this.dir, file))) return;
    const [header = [], ...rows] = this.read(file)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(', '));
    this.write(file, [header, ...change(header, rows)].map((row) => `${row.join(', ')}\n`).join(''));
  }

  private read(file: string): string {
    return readFileSync(join(this.dir, file), 'utf8');
  }

  /** By rename: who reads meanwhile has the old file or the new one. */
  private write(file: string, text: string): void {
    writeFileSync(join(this.dir, `${file}.new`), text);
    renameSync(join(this.dir, `${file}.new`), join(this.dir, file));
  }
}

function placeOf(header: readonly string[], name: string): number {
  const place = header.findIndex((column) => column.replace(/ \[.*\]$/, '') === name);
  if (place === -1) throw new Error(`${name} is not recorded: ${header.join(', ')}`);
  return place;
}
