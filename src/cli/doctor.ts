import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { pc } from './colours';
import { configuredServer, connectTemporal } from '../client';
import { stackStatus, temporalBinary, trainerPython } from '../stack';
import { attributes } from './doctorAttributes';
import { containers, docker, gpuDevices, guard } from './doctorHost';
import { logs, metrics, traces } from './doctorObservability';
import { builds, order, pools } from './doctorPools';
import { homeDir, sessionStore } from './home';
import { mlflow } from './publish/doctor';

export interface Finding {
  name: string;
  ok: boolean;
  detail: string;
  mend: string | null;
  /** Runs go on without it; it costs no exit code. */
  optional?: true;
}

/** Looks at each thing a run needs; changes nothing, but for `--reap` and `--fix`. Exit code 3 when something needed is missing. */
export async function doctor(options: { json?: boolean; reap?: boolean; fix?: boolean }): Promise<number> {
  const findings = await Promise.all([
    ...[node(), server(), attributes(options.fix === true), python(), store(), space()],
    ...[pools(), builds(), order()],
    ...[docker(), gpuDevices(), containers(options.reap === true), guard()],
    ...[logs(), traces(), metrics(), mlflow()],
  ]);
  if (options.json) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
  else {
    for (const { name, ok, detail, mend, optional } of findings) {
      const mark = ok ? pc.green('ok     ') : optional ? pc.yellow('absent ') : pc.red('missing');
      process.stdout.write(`${mark} ${name.padEnd(17)} ${detail}${mend ? `\n        mend: ${mend}` : ''}\n`);
    }
  }
  return findings.every(({ ok, optional }) => ok || optional) ? 0 : 3;
}

async function node(): Promise<Finding> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return { name: 'Node', ok, detail: process.version, mend: ok ? null : 'install Node 20.19 or newer' };
}

async function server(): Promise<Finding> {
  const configured = configuredServer();
  const name = 'Temporal server';
  try {
    if (configured) {
      await (await connectTemporal(null)).connection.close();
      return { name, ok: true, detail: `${configured.address}, namespace ${configured.namespace} (configured)`, mend: null };
    }
    const running = await stackStatus(homeDir());
    if (running.info) {
      const { address, uiUrl, apiUrl } = running.info;
      return { name, ok: true, detail: `embedded, ${address}, UI ${uiUrl}${apiUrl === null ? '' : `, API ${apiUrl}`}`, mend: null };
    }
    const binary = temporalBinary();
    if (binary === null)
      return {
        name,
        ok: false,
        detail: 'no `temporal` on the PATH or in the cache',
        mend: '`npm start` installs one; or set TEMPORAL_ADDRESS',
      };
    return { name, ok: true, detail: `embedded, not started; program ${binary}`, mend: null };
  } catch (error) {
    return { name, ok: false, detail: firstLine(error), mend: '`npm start` installs one; or set TEMPORAL_ADDRESS' };
  }
}

async function python(): Promise<Finding> {
  const name = 'Python';
  const mend = '`npm start` makes an environment; or set ASSAY_PYTHON to an interpreter with NumPy';
  const interpreter = await trainerPython().catch(() => null);
  if (interpreter === null) return { name, ok: false, detail: 'no environment yet', mend };
  try {
    const { stdout } = await promisify(execFile)(interpreter, [
      '-c',
      'import sys, numpy; print(sys.version.split()[0], "NumPy", numpy.__version__)',
    ]);
    return { name, ok: true, detail: stdout.trim(), mend: null };
  } catch (error) {
    return { name, ok: false, detail: firstLine(error), mend };
  }
}

async function store(): Promise<Finding> {
  try {
    const opened = sessionStore();
    const experiments = await opened.refs.list('experiments/');
    return { name: 'Store', ok: true, detail: `${opened.url}, ${experiments.length} experiments`, mend: null };
  } catch (error) {
    return {
      name: 'Store',
      ok: false,
      detail: firstLine(error),
      mend: 'set ASSAY_STORE to a folder you may write, as file:///absolute/path',
    };
  }
}

async function space(): Promise<Finding> {
  const at = existsSync(homeDir()) ? homeDir() : process.cwd();
  const { bavail, bsize } = await statfs(at);
  const gib = (bavail * bsize) / 2 ** 30;
  return {
    name: 'Disk',
    ok: gib > 1,
    detail: `${gib.toFixed(1)} GiB free at ${at}`,
    mend: gib > 1 ? null : 'free at least 1 GiB, or set ASSAY_HOME to another disk',
  };
}

const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
