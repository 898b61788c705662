import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pythonEnvironment } from '../../src/stack';
import { packageRoot } from '../../src/stack/paths';
import { command, piped } from './command';
import { key, type Make, withTestLock } from './made';

/** What training on the CPU never opens: 2.4 of 5.5 GB. pip still sees each package, by its .dist-info. */
const unused = [
  ...['pip', 'pip-*', '_pytest', 'pytest', 'pygments', 'triton', 'torch/include', 'nvidia/*/include', 'nvidia/*/bin', 'nvidia/*/nvvm'],
  ...['nvidia/cudnn/lib/libcudnn_*', 'nvidia/cu13/lib/libcusolverMg*', 'nvidia/cu13/lib/libnvperf*', '*.a', '*.bc'],
];

/** The runtime image with PyTorch, built by scripts/image.mjs on a base that has the packages already where they can be copied. */
export async function torchImage({
  host,
  base,
  made,
}: {
  host: string;
  base: string;
  made: (name: string, make: Make) => Promise<string>;
}): Promise<string> {
  const files = ['requirements.txt', 'requirements-torch.txt'].map((name) => readFileSync(join(packageRoot(), 'runtime', name), 'utf8'));
  const packages = await installedPackages();
  const from =
    packages === null
      ? base
      : await made(`assay-test/torch-base:${key(base, ...files, ...unused)}`, (name) => withPackages({ host, base, packages, name }));
  const args = ['--base', from, '--extras', 'torch', '--network', 'host', '--tag', 'assay-test/runtime:torch', '--quiet'];
  const script = join(packageRoot(), 'scripts', 'image.mjs');
  const env = { ...process.env, DOCKER_HOST: host };
  return withTestLock('runtime-torch', async () => (await command(process.execPath, [script, ...args], { env })).trim());
}

/** The folder of the trainers' packages on this host, where its Python is that of the base image; else null, and pip installs them. */
async function installedPackages(): Promise<string | null> {
  const environment = await pythonEnvironment();
  if (!environment.ready('torch') || !environment.version.startsWith('3.11.') || process.platform !== 'linux') return null;
  return execFileSync(environment.python, ['-c', 'import numpy, os; print(os.path.dirname(os.path.dirname(numpy.__file__)))'], {
    encoding: 'utf8',
  }).trim();
}

/** A stream into a container that never runs, so that no second copy of the gigabytes lies on the disk. */
async function withPackages({ host, base, packages, name }: { host: string; base: string; packages: string; name: string }): Promise<void> {
  const docker = (...args: string[]): Promise<string> => command('docker', ['-H', host, ...args]);
  const container = (await docker('create', base, 'true')).trim();
  try {
    const leaveOut = unused.map((path) => `--exclude=./${path}`);
    const place = '/usr/local/lib/python3.11/dist-packages';
    const names = ['--owner=0', '--group=0', '--numeric-owner', '--wildcards-match-slash'];
    await piped(
      ['tar', '-C', packages, ...names, ...leaveOut, '-cf', '-', '.'],
      ['docker', '-H', host, 'cp', '-', `${container}:${place}`],
    );
    await docker('commit', container, name);
  } finally {
    await docker('rm', '-f', container);
  }
}
