// npm start: sets up what is missing, then runs the digits example end to end on the embedded server.
// npm run example:torch: the same for an example that needs PyTorch.
import { inRoot } from './lib/root.mjs';
import { setUp } from './lib/setup.mjs';
import { main, show } from './lib/steps.mjs';

await main(async () => {
  const [example = 'digits', ...flags] = process.argv.slice(2);
  await setUp({ extras: example.endsWith('-torch') ? ['torch'] : [] });
  // Ctrl-C belongs to the command: it says how to get back to the experiment.
  process.on('SIGINT', () => {});
  const args = ['run', inRoot('examples', example, 'experiment.yaml'), ...flags];
  return show(process.execPath, [inRoot('bin', 'assay'), ...args], { stdio: 'inherit' });
});
