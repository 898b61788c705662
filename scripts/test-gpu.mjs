// npm run test:gpu: what only a machine with an NVIDIA GPU can show. Needs a Python with PyTorch for CUDA (ASSAY_PYTHON, else python3)
// and no installed packages of this project; elsewhere it says "skipped: no GPU" and ends with 0.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { inRoot } from './lib/root.mjs';
import { main, show } from './lib/steps.mjs';

const python = process.env.ASSAY_PYTHON ?? 'python3';

await main(async () => {
  const absent = whyAbsent();
  if (absent !== null) {
    console.log(`skipped: no GPU (${absent})`);
    return 0;
  }
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1' };
  const code = await show(python, ['-m', 'unittest', 'discover', '-v', '-s', inRoot('runtime', 'gpu_tests')], { env });
  const library = inRoot('dist', 'src', 'gpu', 'index.js');
  if (!existsSync(library)) {
    console.log('assay itself is not built here: its own view of the devices was not tried');
    return code;
  }
  return (await ownView(library)) ? code : 1;
});

/** Null where there is a device and a PyTorch that finds it. */
function whyAbsent() {
  const smi = spawnSync('nvidia-smi', ['-L'], { encoding: 'utf8', timeout: 60_000 });
  if (smi.error !== undefined) return 'nvidia-smi is not installed';
  if (smi.status !== 0 || !smi.stdout.includes('UUID')) return `nvidia-smi -L says: ${`${smi.stdout}${smi.stderr}`.trim()}`;
  const found = spawnSync(python, ['-c', 'import torch; print(torch.cuda.is_available())'], { encoding: 'utf8', timeout: 300_000 });
  if (found.error !== undefined) return `${python} is not installed`;
  if (found.status !== 0) return `${python} has no PyTorch`;
  return found.stdout.trim() === 'True' ? null : `the PyTorch of ${python} finds no CUDA device`;
}

/** Inventory, check and some seconds of telemetry as a worker does them. */
async function ownView(library) {
  const { deviceProgram, openGpus } = (await import(`file://${library}`)).default;
  process.env.PYTHONPATH = inRoot('runtime');
  const gpus = openGpus();
  const { devices, absent } = await gpus.inventory();
  if (absent !== null) console.error(`✗ ${absent}`);
  const uuids = devices.map(({ uuid }) => uuid);
  const program = deviceProgram({ command: [python, '-m', 'assay_runtime.device_check'] });
  const checks = await gpus.check(uuids, { program });
  for (const { device, ok, productMs, findings } of checks) {
    console.log(`${ok ? '✓' : '✗'} ${device}: product ${productMs} ms${findings.map((finding) => `; ${finding}`).join('')}`);
  }
  const samples = [];
  await gpus.telemetry(uuids, { onSample: (sample) => samples.push(sample), signal: AbortSignal.timeout(5_000) });
  const seen = new Set(samples.map(({ uuid }) => uuid));
  for (const uuid of uuids)
    console.log(`${seen.has(uuid) ? '✓' : '✗'} ${uuid}: ${samples.filter((sample) => sample.uuid === uuid).length} samples`);
  return uuids.length > 0 && checks.every(({ ok }) => ok) && uuids.every((uuid) => seen.has(uuid));
}
