import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSpec } from '../../src/contract/loadSpec';
import { packageRoot } from '../../src/stack/paths';

const folder = join(packageRoot(), 'examples', 'digits-torch');
const load = (file: string, overrides: { path: string; value: string }[] = []) =>
  loadSpec(readFileSync(join(folder, file), 'utf8'), { file, root: folder, overrides });
const image = `sha256:${'0123456789abcdef'.repeat(4)}`;

test('examples/digits-torch/docker.yaml is the experiment beside it, in containers of the image that --set names', () => {
  const inContainers = load('docker.yaml', [{ path: 'runtime.image', value: image }]);
  expect(inContainers.runtime).toMatchObject({ executor: 'docker', image });
  const { name, runtime } = load('experiment.yaml');
  expect({ ...inContainers, name, runtime }).toEqual(load('experiment.yaml'));
});

test('examples/digits-torch/docker.yaml without an image says that one is missing', () => {
  expect(() => load('docker.yaml')).toThrow(/runtime\.image: missing/);
});
