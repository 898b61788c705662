// npm start: sets up what is missing, then runs the digits example end to end on the embedded server.
import { inRoot } from './lib/root.mjs';
import { setUp } from './lib/setup.mjs';
import { main, show } from './lib/steps.mjs';

await main(async () => {
  await setUp();
  // Ctrl-C belongs to the command: it says how to get back to the experiment.
  process.on('SIGINT', () => {});
  const args = ['run', inRoot('examples', 'digits', 'experiment.yaml'), ...process.argv.slice(2)];
  return show(process.execPath, [inRoot('bin', 'assay'), ...args], { stdio: 'inherit' });
});
