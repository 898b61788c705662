import type { Result, RunResult } from '../../contract';
import { runFolder } from '../../publish/contents';

interface RunEnvironment {
  environment: Record<string, unknown>;
  image: string | null;
  /** Null in results of the first version. */
  device: string | null;
  /** Runs that had it, by their folder. */
  runs: string[];
}

/** `environment.json`, and a `requirements.txt` for each set of versions that runs recorded; none where they recorded none. */
export function environments({ experiment, provenance, variants }: Result): {
  document: { experiment: string; submitted: Record<string, unknown>; runs: RunEnvironment[] };
  requirements: Record<string, string>;
} {
  const runs = new Map<string, RunEnvironment>();
  for (const { name: variant, runs: own } of variants)
    for (const { seed, environment, image, device } of own as (Pick<RunResult, 'seed' | 'environment' | 'image'> & {
      device?: RunResult['device'];
    })[]) {
      const model = device?.model ?? null;
      const key = JSON.stringify([environment, image, model]);
      const known = runs.get(key) ?? { environment, image, device: model, runs: [] };
      known.runs.push(runFolder({ variant, seed }));
      runs.set(key, known);
    }
  const pinned = [...runs.values()].filter(({ environment }) => packagesOf(environment).length > 0);
  const names = pinned.map((_, i) => (pinned.length === 1 ? 'requirements.txt' : `requirements-${i + 1}.txt`));
  return {
    document: {
      experiment,
      submitted: { ...provenance.environment, assay: provenance.assay, host: provenance.host, command: provenance.command },
      runs: [...runs.values()],
    },
    requirements: Object.fromEntries(pinned.map((one, i) => [names[i], requirementsOf(one)])),
  };
}

/** Not a lock of everything: what the trainer said it had loaded. */
function requirementsOf({ environment, runs }: RunEnvironment): string {
  const python = environment['python'];
  const head = [
    `# as recorded by ${runs.length <= 4 ? runs.join(', ') : `${runs.slice(0, 3).join(', ')} and ${runs.length - 3} more`}`,
    ...(typeof python === 'string' ? [`# Python ${python}`] : []),
  ];
  return `${[...head, ...packagesOf(environment).map(([name, version]) => `${name}==${version}`)].join('\n')}\n`;
}

/** What the runtime tells of itself and of the host is no package of an index. */
const others = new Set(['python', 'platform', 'assay_runtime', 'cuda', 'device', 'node', 'cpus', 'threads', 'host']);
const packageNames: Record<string, string> = { sklearn: 'scikit-learn', cv2: 'opencv-python', PIL: 'pillow' };

function packagesOf(environment: Record<string, unknown>): [name: string, version: string][] {
  const { packages } = environment;
  const all = typeof packages === 'object' && packages !== null ? packages : environment;
  return Object.entries(all)
    .filter((entry): entry is [string, string] => !others.has(entry[0]) && typeof entry[1] === 'string' && /^\d+(\.\w+)*/.test(entry[1]))
    .map(([name, version]): [string, string] => [packageNames[name] ?? name, version])
    .filter(([name, version]) => /^[A-Za-z0-9._-]+$/.test(name) && /^[\w.+!-]+$/.test(version))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
