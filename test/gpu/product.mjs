// Answers as `python -m assay_runtime.device_check` does on a healthy device: `node product.mjs --device cuda --uuid GPU-...`.
const uuid = process.argv.at(-1);
process.stdout.write(`${JSON.stringify({ ok: true, ms: 1.9, uuid, free: 84_000_000_000, name: 'a healthy device' })}\n`);
