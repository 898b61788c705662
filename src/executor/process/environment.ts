/** What a trainer sees: an allow-list of this process's environment (no credentials of ours), then what the caller gives. */
export function trainerEnvironment(given: Readonly<Record<string, string>>, runFile: string, cpus: number): Record<string, string> {
  const env: Record<string, string> = { PYTHONUNBUFFERED: '1' };
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && allowed.test(name)) env[name] = value;
  }
  Object.assign(env, given);
  for (const name of threads) env[name] ??= String(cpus);
  env.ASSAY_RUN = runFile;
  delete env.ASSAY_SHIM;
  return env;
}

const allowed = /^(?:PATH|HOME|USER|LANG|LC_\w+|TZ|TMPDIR|LD_LIBRARY_PATH|VIRTUAL_ENV|(?:PYTHON|CUDA|NVIDIA|OMP_|MKL_|OPENBLAS_)\w*)$/;
const threads = ['OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS', 'NUMEXPR_NUM_THREADS', 'LOKY_MAX_CPU_COUNT'];
