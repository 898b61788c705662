// Stands in for nvidia-smi: `node replay.mjs [--kernel] [--dies-after=N] <recorded case> <arguments of nvidia-smi>`.
// The columns of gpus.csv are all that this driver knows; load.csv, where there is one, is what `-lms` shows line by line.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const own = process.argv.slice(2).filter((word) => word === '--kernel' || word.startsWith('--dies-after='));
const [recorded, ...args] = process.argv.slice(2).filter((word) => !own.includes(word));
const diesAfter = Number(own.find((word) => word.startsWith('--dies-after='))?.split('=')[1] ?? Infinity);

if (own.includes('--kernel')) {
  print(read('kernel.txt') ?? '');
  process.exit(0);
}
for (const name of readdirSync(recorded)) {
  const code = /^failure-(\d+)\.txt$/.exec(name)?.[1];
  if (code !== undefined) end(Number(code), read(name));
}
const id = args.includes('-i') ? args[args.indexOf('-i') + 1] : null;
const query = valueOf('--query-gpu');
const apps = valueOf('--query-compute-apps');
if (args.includes('-L')) print(read('list.txt'));
else if (args.includes('-q')) print(read('query.txt') ?? '');
else if (apps !== null) print(select(table('apps.csv'), apps.split(',')).join('\n'));
else if (query !== null) await answer(query.split(','));
else end(2, 'Invalid combination of input arguments. Please run nvidia-smi -h for help.\n');

async function answer(fields) {
  refuseLost();
  const streams = args.includes('-lms');
  const rows = () => select(table(streams && existsSync(join(recorded, 'load.csv')) ? 'load.csv' : 'gpus.csv'), fields);
  if (!streams) {
    print(rows().join('\n'));
    return;
  }
  const everyMs = Number(args[args.indexOf('-lms') + 1]);
  for (let count = 0; ; count++) {
    if (count >= diesAfter) process.exit(1);
    // Read anew each time, so that a test may change what is replayed.
    refuseLost();
    const now = rows();
    print(now[Math.min(count, now.length - 1)]);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** A lost device fails the question for all of them. */
function refuseLost() {
  const lost = table('lost.csv');
  if (id === null && lost.rows.length > 0) end(15, `${lost.rows[0][1]}\n`);
  const its = lost.rows.find(([uuid]) => uuid === id);
  if (its) end(15, `${its[1]}\n`);
}

/** The columns asked for, without units; a column that is not recorded is a field that this driver does not know. */
function select({ header, rows }, fields) {
  const places = fields.map((field) => {
    const place = header.findIndex((name) => name.replace(/ \[.*\]$/, '') === field);
    if (place === -1) end(2, `Field "${field}" is not a valid field to query.\n\n`);
    return place;
  });
  const uuid = header.findIndex((name) => name === 'uuid' || name === 'gpu_uuid');
  const chosen = id === null ? rows : rows.filter((row) => row[uuid] === id);
  return chosen.map((row) => places.map((place) => row[place].replace(/^(-?[\d.]+) (?:MiB|W|MHz|%|C)$/, '$1')).join(', '));
}

function table(name) {
  const [header = '', ...lines] = (read(name) ?? '').split('\n').filter((line) => line !== '');
  return { header: header.split(', '), rows: lines.map((line) => line.split(', ')) };
}

function valueOf(option) {
  const word = args.find((one) => one.startsWith(`${option}=`));
  return word === undefined ? null : word.slice(option.length + 1);
}

function read(name) {
  const path = join(recorded, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}

function print(text) {
  process.stdout.write(text.endsWith('\n') || text === '' ? text : `${text}\n`);
}

function end(code, text) {
  print(text);
  process.exit(code);
}
