import { runForeground, stopStack } from '../stack';
import { homeDir } from './home';

export async function dev(): Promise<void> {
  await runForeground({
    home: homeDir(),
    onStep: (step) => void process.stderr.write(`${step}\n`),
    onReady: ({ address, uiUrl, apiUrl }) =>
      void process.stderr.write(`ready: Temporal at ${address}, its UI at ${uiUrl}, pages and API at ${apiUrl}/; Ctrl-C stops it\n`),
  });
}

export async function down(): Promise<void> {
  const stopped = await stopStack(homeDir());
  process.stdout.write(
    stopped ? 'the embedded stack is stopped; running experiments go on when it starts again\n' : 'no embedded stack runs here\n',
  );
}
