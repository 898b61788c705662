import type { Command } from 'commander';
import { json } from '../options';

/** `assay gpus`: hosts, devices, leases and quotas. */
export function registerGpus(program: Command): void {
  const pool = program
    .command('gpus')
    .description('hosts, devices, leases, and who waits and why')
    .addOption(json)
    .action(async (options) => (await import('./gpus.js')).gpus(options));
  pool
    .command('drain <host>')
    .description('no new lease goes there')
    .action(async (host: string) => (await import('./gpus.js')).drainHost(host, true));
  pool
    .command('undrain <host>')
    .description('take it back')
    .action(async (host: string) => (await import('./gpus.js')).drainHost(host, false));
  pool
    .command('quota <owner> <limit>')
    .description('devices an owner may hold at once; none lifts it')
    .action(async (owner: string, limit: string) => (await import('./gpus.js')).setQuota(owner, limit));
}
