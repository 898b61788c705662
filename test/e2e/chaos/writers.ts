import { readFileSync, readdirSync } from 'node:fs';

export interface Writer {
  pid: number;
  /** `<experiment>/<variant>/seed-<n>` */
  run: string;
  epoch: number;
}

/** Trainers, in containers or not, that live now, as the kernel tells: it answers also while no engine does. */
export function writers(script: string): Writer[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
        if (!command[0]?.includes('python') || !command.some((argument) => argument.endsWith(script))) return [];
        // A child that was forked and not yet gone its own way, and one that is only waited for, write nothing.
        if (/^State:\s+[ZX]/m.test(readFileSync(`/proc/${name}/status`, 'utf8'))) return [];
        const out = readFileSync(`/proc/${name}/mountinfo`, 'utf8')
          .split('\n')
          .map((line) => line.split(' '))
          .find((fields) => fields[4] === '/assay/out')?.[3];
        const found = /\/runs\/([^/]+\/[^/]+\/seed-\d+)\/epoch-(\d+)\//.exec(out === undefined ? runFileOf(name) : `${out}/`);
        return found ? [{ pid: Number(name), run: found[1] as string, epoch: Number(found[2]) }] : [];
      } catch {
        return [];
      }
    });
}

/** What a process without a container was told. */
const runFileOf = (pid: string): string =>
  readFileSync(`/proc/${pid}/environ`, 'utf8')
    .split('\0')
    .find((entry) => entry.startsWith('ASSAY_RUN=')) ?? '';

/** Looks ten times a second until stopped; `doubled` names every moment at which one run had trainers of two epochs. */
export function watchWriters(script: string): { doubled: string[]; looks: () => number; stop: () => void } {
  const doubled: string[] = [];
  let looks = 0;
  const timer = setInterval(() => {
    looks += 1;
    const epochs = new Map<string, Set<number>>();
    for (const { run, epoch } of writers(script)) epochs.set(run, (epochs.get(run) ?? new Set()).add(epoch));
    for (const [run, set] of epochs) if (set.size > 1) doubled.push(`${run}: epochs ${[...set].join(', ')}`);
  }, 100);
  return { doubled, looks: () => looks, stop: () => clearInterval(timer) };
}
