import { constants, copyFile, link, rm } from 'node:fs/promises';

export type Placement = 'linked' | 'cloned' | 'copied';

/** What a file system says that cannot do it between these two places, or not for this user. */
const cannot = new Set(['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ENOTTY', 'EINVAL', 'EXDEV', 'EPERM', 'EACCES', 'EMLINK']);

/** The cheapest way from the cache to a run's folder: a reflink, which nobody can write back through; else a hard link; else a copy. */
export class Transfer {
  #clones = true;

  /** Null where the cached file is gone. */
  async place(from: string, to: string): Promise<Placement | null> {
    try {
      return await this.#onto(from, to);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return orGone(error, from);
      await rm(to, { force: true });
      return await this.#onto(from, to).catch((again: unknown) => orGone(again, from));
    }
  }

  async #onto(from: string, to: string): Promise<Placement> {
    if (this.#clones) {
      try {
        await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
        return 'cloned';
      } catch (error) {
        if (!cannot.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
        this.#clones = false;
      }
    }
    try {
      await link(from, to);
      return 'linked';
    } catch (error) {
      if (!cannot.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      await copyFile(from, to, constants.COPYFILE_EXCL);
      return 'copied';
    }
  }
}

function orGone(error: unknown, from: string): null {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' && path === from) return null;
  throw error;
}
