import { spawn } from 'node:child_process';
import { access, constants, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AssayError } from '../../contract';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'];
/** Of a page of any size that a report may have; one of 2 MB takes a few seconds. */
const longest = 120_000;

/**
 * The page as Chromium prints it, from a profile of its own and with no network.
 * @throws `Unsupported` where there is no Chromium, `ExecutorUnavailable` where it ends without a file or takes longer than two minutes.
 */
export async function printPdf(page: string, env: NodeJS.ProcessEnv = process.env): Promise<Buffer> {
  const browser = await findChromium(env);
  const folder = await mkdtemp(join(tmpdir(), 'assay-pdf-'));
  try {
    const [source, target] = [join(folder, 'report.html'), join(folder, 'report.pdf')];
    await writeFile(source, page);
    const said = await run(browser, [...quiet(join(folder, 'profile')), `--print-to-pdf=${target}`, pathToFileURL(source).href], env);
    return await readFile(target).catch(() => {
      throw new AssayError('ExecutorUnavailable', `${browser} printed no PDF: ${said}. --format html needs no browser`);
    });
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function findChromium({ ASSAY_CHROMIUM: named, PATH = '' }: NodeJS.ProcessEnv): Promise<string> {
  const runs = (path: string): Promise<boolean> =>
    access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
  const mend = 'Install Chromium, or set ASSAY_CHROMIUM to its path; --format html needs none, and any browser prints it';
  if (named) {
    if (await runs(named)) return named;
    throw new AssayError('Unsupported', `ASSAY_CHROMIUM names ${named}, where there is no program. ${mend}`);
  }
  const folders = PATH.split(delimiter).filter((folder) => folder !== '');
  const places = [...folders.flatMap((folder) => names.map((name) => join(folder, name))), ...macPlaces];
  for (const place of places) if (await runs(place)) return place;
  throw new AssayError('Unsupported', `--format pdf needs Chromium, and none of ${names.join(', ')} is on PATH. ${mend}`);
}

const macPlaces =
  process.platform === 'darwin'
    ? ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium']
    : [];

const quiet = (profile: string): string[] => [
  '--headless',
  '--disable-gpu',
  '--no-first-run',
  '--no-default-browser-check',
  '--no-pdf-header-footer',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-extensions',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND',
  `--user-data-dir=${profile}`,
  // Chromium refuses to run as root with its sandbox; the page is ours and loads nothing.
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
];

/** Its last words, for an error; the browser and what it started are gone when this returns. */
function run(browser: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(browser, args, { env, stdio: ['ignore', 'ignore', 'pipe'], detached: true });
    let said = '';
    let late = false;
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
    const end = (): void => {
      try {
        process.kill(-(child.pid ?? Number.NaN), 'SIGKILL');
      } catch {
        // It has ended already.
      }
    };
    const timer = setTimeout(() => {
      late = true;
      end();
    }, longest);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(new AssayError('ExecutorUnavailable', `${browser} could not be started: ${error.message}`));
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      end();
      resolve(
        late
          ? `it took longer than ${longest / 1000} s`
          : `exit code ${code}, ${said.trim().split('\n').slice(-3).join(' / ') || 'without a word'}`,
      );
    });
  });
}
