import { connect, explain } from './engine';
import { containersWith, type FoundContainer, removeContainer } from './containers';
import { labelNames } from './names';

/** Containers of assay on this engine, of one home or of all, in whatever state. */
export async function listContainers({ home }: { home?: string } = {}): Promise<FoundContainer[]> {
  const docker = connect();
  try {
    return await containersWith({ docker }, home === undefined ? {} : { [labelNames.home]: home });
  } catch (error) {
    throw explain(error, docker);
  }
}

/** Kills what still runs in them. */
export async function reapContainers(ids: readonly string[]): Promise<void> {
  const docker = connect();
  try {
    await Promise.all(ids.map((id) => removeContainer({ docker }, id)));
  } catch (error) {
    throw explain(error, docker);
  }
}
