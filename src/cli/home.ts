import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Store } from '../store';
import { openStore } from '../store/open';
import { atExit } from './atExit';

// Apart from the session, so that commands on the store load no client of a server.
export const homeDir = (): string => resolve(process.env.ASSAY_HOME ?? '.assay');

/** The store needs no server: `list`, `show`, `report` and `export` work when Temporal is away. */
export function sessionStore(): Store {
  opened ??= openStore(storeUrl());
  atExit.settle = () => opened?.settle() ?? Promise.resolve();
  return opened;
}

export const storeUrl = (): string => process.env.ASSAY_STORE ?? pathToFileURL(join(homeDir(), 'store')).href;

let opened: Store | undefined;
