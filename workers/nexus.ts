import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { refusalsOf } from '../src/api/allow';
import type { Allow } from '../src/api/config';
import { type NexusDeps, provenanceOf, specOfObject } from '../src/client';
import { AssayError } from '../src/contract';
import { pathText } from '../src/contract/specProblems';
import { packageVersion } from '../src/stack/paths';
import type { Store } from '../src/store';

export interface NexusRules {
  store: Store;
  home: string;
  /** ASSAY_NEXUS_ROOT: the folder that callers' relative paths start from; null allows no file of a host. */
  root: string | null;
}

/** Who may call is the server's to say; what a caller reaches on the hosts is held to `root`, by the rules of the HTTP API. */
export function admission({ store, home, root }: NexusRules): NexusDeps['admit'] {
  const allow: Allow = {
    executors: root === null ? ['docker'] : ['docker', 'process'],
    images: ['**'],
    sources: ['builtin:', 'snapshot:', 's3://'],
    webhooks: [],
    roots: root === null ? [] : [root],
    network: true,
    publish: true,
  };
  return async (input) => {
    const { spec, text } = specOfObject(input, root ?? nowhere(home));
    // Where messages may go is held by the sender.
    const refusals = refusalsOf(spec, { allow, root, runs: Number.POSITIVE_INFINITY }).filter(({ path }) => path[0] !== 'notify');
    if (refusals.length > 0)
      throw new AssayError(
        'Forbidden',
        refusals
          .map(({ path, message }) => `${pathText(path)}: ${message.replace('?root=', 'ASSAY_NEXUS_ROOT of the control pool')}`)
          .join('\n'),
      );
    const whence = await provenanceOf({
      store,
      root: spec.root,
      source: spec.data.source,
      home,
      version: packageVersion(),
      command: ['nexus', 'assay.v1'],
    });
    return { spec, source: text, provenance: whence };
  };
}

/** An empty folder, where no file can be named by chance. */
function nowhere(home: string): string {
  const folder = join(home, 'nowhere');
  mkdirSync(folder, { recursive: true });
  return folder;
}
