import { join } from 'node:path';
import { read } from '../proc';

/**
 * Bytes that the control group of this process holds, without the pages of files that could be dropped. Null where this host does not
 * show it.
 */
export function groupMemory(pid: number): number | null {
  const groups = read(`/proc/${pid}/cgroup`)
    .split('\n')
    .map((line) => /^\d+:([^:]*):(.*)$/.exec(line));
  const v1 = groups.find((group) => group?.[1]?.split(',').includes('memory'));
  const v2 = groups.find((group) => group?.[1] === '');
  const [path, usage, inactive] = v1
    ? [join('/sys/fs/cgroup/memory', v1[2] ?? ''), 'memory.usage_in_bytes', /^total_inactive_file (\d+)$/m]
    : [join('/sys/fs/cgroup', v2?.[2] ?? ''), 'memory.current', /^inactive_file (\d+)$/m];
  const used = Number(read(join(path, usage)));
  if (!used) return null;
  return Math.max(0, used - Number(inactive.exec(read(join(path, 'memory.stat')))?.[1] ?? 0));
}
