/**
 * Upload to an S3 server on this host: 512 MiB as one object, and 10,000 files of 20 KB as a snapshot, beside the same bytes by plain curl,
 * eight requests at a time, and by the AWS command line where it is installed. The tools take turns, and begin with another one each round.
 *   npm run build && node bench/upload.mjs [ROUNDS=3] [MEGABYTES=512] [FILES=10000]
 * The server is versitygw: ASSAY_TEST_S3, or built with Go into the cache of this user. Needs GNU time, and curl 7.86 or newer.
 * Ours is the whole command `assay snapshot create`: its start, hashing, the list of files and the names are in it. curl sends without a
 * checksum, so it is what the server can do: as many objects, and for the one object also the eight parts of a multipart upload, which the
 * server copies together at its end, as it does for ours. The share is of curl's upload of the same objects.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { provideStoreServers } from '../scripts/lib/goTools.mjs';
import { filesOf, isThere, must, timed, writeFiles } from './lib/commands.mjs';
import { median, root, spread, table } from './lib/harness.mjs';

const [rounds, megabytes, count] = [3, 512, 10_000].map((otherwise, i) => Number(process.argv[2 + i] ?? otherwise));
const parallel = 8;
const fileBytes = 20_000;
const key = { id: 'assay', secret: 'assay-secret' };
const region = 'us-east-1';
const keys = {
  AWS_REGION: region,
  AWS_ACCESS_KEY_ID: key.id,
  AWS_SECRET_ACCESS_KEY: key.secret,
  // No profile and no instance role of this machine.
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
};
const signed = [
  ...['--silent', '--show-error', '--fail-early', '--fail', '--user', `${key.id}:${key.secret}`, '--aws-sigv4', `aws:amz:${region}:s3`],
  ...['--header', 'x-amz-content-sha256: UNSIGNED-PAYLOAD'],
];

const base = mkdtempSync(join(tmpdir(), 'assay-bench-'));
const server = await startServer(join(base, 'server'));
try {
  const rows = [];
  for (const [name, files, size] of [
    [`one object of ${megabytes} MiB`, 1, megabytes],
    [`${count.toLocaleString('en')} files of ${fileBytes / 1000} KB`, count, (count * fileBytes) / 2 ** 20],
  ]) {
    const data = join(base, 'data');
    writeFiles(data, size, files);
    rows.push(...measure(name, data, files === 1 ? slices(data, join(base, 'slices')) : data, size));
    for (const folder of ['data', 'slices']) rmSync(join(base, folder), { recursive: true, force: true });
  }
  table(['data', 'tool', 'MiB/s', 'of curl', 'clock, s', 'CPU, s', 'peak MB'], rows);
} finally {
  server.child.kill('SIGTERM');
  rmSync(base, { recursive: true, force: true });
}

function measure(name, data, sliced, size) {
  const isOne = sliced !== data;
  const tools = [
    ...(isOne ? [['curl, one object in 8 parts', (dir, bucket) => curlParts(sliced, dir, bucket)]] : []),
    [isOne ? 'curl, 8 objects' : 'curl', (dir, bucket) => curlObjects(sliced, dir, bucket)],
    ['assay snapshot create', (dir, bucket) => assay(data, dir, bucket)],
    ...(isThere('aws', '--version') ? [['aws s3 cp', (dir, bucket) => aws(data, dir, bucket)]] : []),
  ];
  const found = new Map(tools.map(([tool]) => [tool, []]));
  for (let round = 0; round < rounds; round++)
    for (const [tool, upload] of tools.map((_, i) => tools[(i + round) % tools.length])) {
      const dir = join(base, 'round');
      const bucket = `bucket-${Date.now()}`;
      mkdirSync(dir);
      must('curl', [...signed, '--request', 'PUT', `${server.url}/${bucket}`]);
      found.get(tool).push(upload(dir, bucket));
      for (const folder of [dir, join(server.folder, bucket)]) rmSync(folder, { recursive: true });
    }
  const raw = found.get(tools[0][0]);
  return [...found].map(([tool, uses]) => [
    ...[
      name,
      tool,
      spread(
        uses.map(({ wall }) => size / wall),
        0,
      ),
      (median(raw.map(wallOf)) / median(uses.map(wallOf))).toFixed(2),
    ],
    ...[spread(uses.map(wallOf)), spread(uses.map(({ cpu }) => cpu)), median(uses.map(({ peak }) => peak / 1e6)).toFixed(0)],
  ]);
}

function wallOf({ wall }) {
  return wall;
}

function assay(data, dir, bucket) {
  const env = { ...server.env, ASSAY_HOME: join(dir, 'home'), ASSAY_STORE: `s3://${bucket}/store` };
  return timed(dir, process.execPath, [join(root, 'bin', 'assay'), 'snapshot', 'create', data], { env });
}

function aws(data, dir, bucket) {
  return timed(dir, 'aws', ['s3', 'cp', '--recursive', '--only-show-errors', data, `s3://${bucket}/data`], { env: server.env });
}

function curlObjects(data, dir, bucket) {
  const files = filesOf(data);
  const sent = curl(
    dir,
    files.map((file) => [file, `${server.url}/${bucket}/${relative(data, file)}`]),
  );
  const there = filesOf(join(server.folder, bucket)).length;
  if (there !== files.length) throw new Error(`curl stored ${there} of ${files.length} files`);
  return sent;
}

/** The times of the parts and of making them one object. */
function curlParts(slices, dir, bucket) {
  const object = `${server.url}/${bucket}/object`;
  const [, upload] = /<UploadId>([^<]+)/.exec(must('curl', [...signed, '--request', 'POST', `${object}?uploads=`]));
  const parts = filesOf(slices).map((file, i) => [file, `${object}?partNumber=${i + 1}&uploadId=${upload}`]);
  const sent = curl(dir, parts);
  const listed = must('curl', [...signed, `${object}?uploadId=${upload}`]);
  const tags = [...listed.matchAll(/<PartNumber>(\d+)<[\s\S]*?<ETag>([^<]+)</g)];
  const named = tags.map(([, number, tag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${tag}</ETag></Part>`).join('');
  writeFileSync(join(dir, 'parts.xml'), `<CompleteMultipartUpload>${named}</CompleteMultipartUpload>`);
  const request = [...signed, '--request', 'POST', '--data-binary', `@${join(dir, 'parts.xml')}`, `${object}?uploadId=${upload}`];
  const ended = timed(dir, 'curl', request);
  if (tags.length !== parallel || filesOf(join(server.folder, bucket)).length !== 1) throw new Error(`no object of ${ended.stdout}`);
  return { cpu: sent.cpu + ended.cpu, wall: sent.wall + ended.wall, peak: Math.max(sent.peak, ended.peak) };
}

/** One process, as the others are: eight would get more of a busy machine. */
function curl(dir, uploads) {
  const list = join(dir, 'curl');
  writeFileSync(list, uploads.map(([file, url]) => `upload-file = "${file}"\nurl = "${url}"\n`).join(''));
  return timed(dir, 'curl', [...signed, '--parallel', '--parallel-immediate', '--parallel-max', parallel, '--config', list]);
}

/** The one file of `data` as eight. */
function slices(data, folder) {
  mkdirSync(folder);
  const [path] = filesOf(data);
  const bytes = Buffer.alloc(Math.ceil((megabytes * 2 ** 20) / parallel));
  const file = openSync(path, 'r');
  for (let i = 0; i < parallel; i++) writeFileSync(join(folder, String(i)), bytes.subarray(0, readSync(file, bytes)));
  closeSync(file);
  return folder;
}

async function startServer(folder) {
  const { ASSAY_TEST_S3: binary } = (await provideStoreServers()).env;
  const port = await freePort();
  mkdirSync(folder);
  const args = ['--port', `127.0.0.1:${port}`, '--health', '/health', '--keep-alive', '--quiet', 'posix', folder];
  const child = spawn(binary, args, {
    env: { ...process.env, ROOT_ACCESS_KEY: key.id, ROOT_SECRET_KEY: key.secret },
    stdio: 'ignore',
  });
  const url = `http://127.0.0.1:${port}`;
  must('curl', ['--silent', '--fail', '--retry', '50', '--retry-connrefused', '--retry-delay', '1', `${url}/health`]);
  return { child, url, folder, env: { ...keys, AWS_ENDPOINT_URL_S3: url, AWS_ENDPOINT_URL: url } };
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  return port;
}
