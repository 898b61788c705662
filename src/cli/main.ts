import { CommanderError } from 'commander';
import { AssayError } from '../contract';
import { pcError, withoutColourFlags } from './colours';
import { exit, outputLost } from './exit';
import { exitCodes, isWrongInput } from './exitCode';
import { program } from './program';

process.stdout.on('error', outputLost);

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(3);
});

async function main(): Promise<void> {
  try {
    await program.parseAsync(withoutColourFlags(process.argv));
    exit(0);
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : exitCodes.wrongInput);
    exit(report(error));
  }
}

/** One clear error, and the exit code of its kind: 2 for wrong input, 3 for the rest. */
function report(error: unknown): number {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  // What the machine refuses (a full disk, a folder that may not be written) is no fault of the program.
  if (!(error instanceof AssayError) && code !== undefined && syscall !== undefined) {
    process.stderr.write(`${pcError.red('error')} ${message}\n`);
    return exitCodes.failed;
  }
  if (!(error instanceof AssayError)) {
    process.stderr.write(`${pcError.red('error')} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return exitCodes.failed;
  }
  process.stderr.write(`${pcError.red(error.type)} ${error.message}\n`);
  return isWrongInput(error.type) ? exitCodes.wrongInput : exitCodes.failed;
}
