// node scripts/image.mjs [--base IMAGE] [--tag NAME] [--extras torch] [--network NAME] [--fresh] [--quiet]
// Builds the runtime image and prints what to write into `runtime.image`; with --quiet only that.
// node scripts/image.mjs --lock writes runtime/requirements-image*.txt anew, by the uv command.
import { parseArgs } from 'node:util';
import { buildImage } from './lib/image.mjs';
import { lockRequirements } from './lib/lockRequirements.mjs';
import { main, step } from './lib/steps.mjs';

const usage = `node scripts/image.mjs [options]   builds the runtime image and prints what to write into runtime.image
  --base IMAGE     what it is built on; default the one of runtime/Dockerfile, with CUDA
  --extras torch   with PyTorch (repeatable)
  --tag NAME       a name of your own; default assay-runtime
  --network NAME   the network of the build, e.g. host behind a proxy
  --fresh          without the cache of earlier builds
  --quiet          prints the image's id only
  --lock           writes runtime/requirements-image*.txt anew instead`;

await main(async () => {
  const { values } = parseArgs({
    options: {
      base: { type: 'string' },
      tag: { type: 'string', default: 'assay-runtime' },
      extras: { type: 'string', multiple: true, default: [] },
      network: { type: 'string' },
      fresh: { type: 'boolean', default: false },
      quiet: { type: 'boolean', default: false },
      lock: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return console.log(usage);
  if (values.lock) return lockRequirements();
  const { base = null, network = null, tag, extras, fresh, quiet } = values;
  let id;
  const build = async () => {
    id = await buildImage({ base, network, tag, extras, fresh });
  };
  await (quiet ? build() : step(`image ${tag}`, build));
  console.log(quiet ? id : `runtime: {executor: docker, image: "${id}"}`);
});
