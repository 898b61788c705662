// A process of its own that uses the store from the sources: node child.js <what> <store url> [arguments].
const { readFileSync } = require('node:fs');
const { Readable } = require('node:stream');
const { transformSync } = require('@swc/core');

require.extensions['.ts'] = (module, filename) => {
  const options = { filename, jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } };
  module._compile(transformSync(readFileSync(filename, 'utf8'), options).code, filename);
};

const { openStore } = require('../../src/store/index.ts');
const { withLock } = require('../../src/store/lock.ts');

const [what, url, ...rest] = process.argv.slice(2);
const store = openStore(url);

const acts = {
  /** Adds one to a counter n times. */
  async count(name, times) {
    for (let i = 0; i < Number(times); i++) await store.refs.update(name, (old) => (old ?? 0) + 1);
  },
  /** Puts an endless object and says when its bytes flow. */
  async endless() {
    const block = Buffer.alloc(65536, 7);
    let blocks = 0;
    await store.put(
      new Readable({
        read() {
          this.push(block);
          if (++blocks === 64) process.stdout.write('flowing\n');
        },
      }),
      'application/octet-stream',
    );
  },
  /** Takes a lock and keeps it until killed. */
  async hold(path) {
    await withLock(path, async () => {
      process.stdout.write('held\n');
      await new Promise((done) => setTimeout(done, 600_000));
    });
  },
  /** Puts and fetches an object of so many MiB, and prints by how many MiB the memory grew at most. */
  async grow(mebibytes, target) {
    const block = Buffer.alloc(1 << 20, 3);
    let left = Number(mebibytes);
    await store.put(Buffer.from('first'), 'application/octet-stream');
    const before = process.memoryUsage.rss();
    let most = before;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 2);
    const ref = await store.put(
      new Readable({
        read() {
          this.push(left-- > 0 ? Buffer.from(block) : null);
        },
      }),
      'application/octet-stream',
    );
    await store.fetchTo(ref, target);
    await store.putFile(target, 'application/octet-stream');
    await store.settle();
    clearInterval(watch);
    process.stdout.write(`${JSON.stringify({ size: ref.size, grown: (most - before) / 2 ** 20 })}\n`);
  },
  /** Puts an object of so many bytes and prints the error's type and message. */
  async put(bytes) {
    try {
      await store.put(Buffer.alloc(Number(bytes), 1), 'application/octet-stream');
      process.stdout.write('stored\n');
    } catch (error) {
      process.stdout.write(`${error.name}: ${error.message}\n`);
    }
  },
};

acts[what](...rest).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
