import { provenanceOf } from '../client/provenance';
import type { Provenance } from '../contract';
import type { Store } from '../store';
import { homeDir } from './home';
import { version } from './version';

/** Of what this command starts; `spec` is empty where there is none. */
export async function provenance({ spec, ...from }: { store: Store; root: string; spec: string; source: string }): Promise<Provenance> {
  const command = ['assay', ...process.argv.slice(2)];
  return { ...(await provenanceOf({ ...from, home: homeDir(), version, command })), spec };
}
