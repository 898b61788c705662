import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ProcessIdentity } from './process';

export interface ChildState extends ProcessIdentity {
  name: string;
  restarts: number;
  /** How its predecessor ended, e.g. "signal SIGKILL" or "exit code 1"; null while there was none. */
  lastExit: string | null;
}

/** `<home>/stack/stack.json`, written by the daemon alone. */
export interface StackState {
  schema: 'assay.stack/1';
  state: 'starting' | 'ready' | 'stopping' | 'stopped' | 'failed';
  daemon: ProcessIdentity;
  version: string;
  build: string;
  ports: Ports;
  /** Of the HTTP API; null where the stack has none, absent in the state of an earlier version. */
  apiUrl?: string | null;
  namespace: string;
  startedAt: string;
  children: ChildState[];
  error: string | null;
}

export interface Ports {
  frontend: number;
  ui: number;
  /** Of the HTTP API. */
  api: number;
}

export function readState(file: string): StackState | null {
  try {
    const state = JSON.parse(readFileSync(file, 'utf8')) as StackState;
    return state.schema === 'assay.stack/1' ? state : null;
  } catch {
    return null;
  }
}

export function writeState(file: string, state: StackState): void {
  mkdirSync(dirname(file), { recursive: true });
  const beside = `${file}.${process.pid}`;
  writeFileSync(beside, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(beside, file);
}
