// Proves, on processes of their own: the forms of a log, its levels, the fields around a piece of work, and that an end by an error is told once.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const room = join(__dirname, '..', '..', 'dist', 'src', 'observability', 'index.js');

test('a line is a document with level, time, pool and host, and the fields of the work around it', () => {
  const { lines } = logged(`
    withLogFields({ experiment: 'e-1', seed: 3 }, () => log.info('began', { attempt: 2 }));
    log.debug('not at this level');
  `);
  expect(lines).toEqual([
    {
      ...{ level: 'info', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), pool: 'gpu', host: 'host-a' },
      ...{ msg: 'began', experiment: 'e-1', seed: 3, attempt: 2 },
    },
  ]);
});

test('ASSAY_LOG_LEVEL chooses what is said, and a wrong one is refused with the choice', () => {
  const code = "log.debug('details'); log.warn('beware');";
  expect(logged(code, { ASSAY_LOG_LEVEL: 'debug' }).lines.map(({ msg }) => msg)).toEqual(['details', 'beware']);
  expect(logged(code, { ASSAY_LOG_LEVEL: 'error' }).lines).toEqual([]);
  expect(logged(code, { ASSAY_LOG_LEVEL: 'loud' }).stderr).toContain(
    'ASSAY_LOG_LEVEL is "loud"; expected trace, debug, info, warn, error, fatal or silent',
  );
});

test('ASSAY_LOG_FORMAT=text writes for people', () => {
  const { stderr } = logged("log.warn('beware', { queue: 'assay-control' });", { ASSAY_LOG_FORMAT: 'text' });
  expect(stderr).toMatch(/^[\d:.]+ warn {2}gpu@host-a beware queue=assay-control\n$/);
});

test('what nobody catches is one line, without secrets, and ends the process with 1', () => {
  for (const code of [
    "throw new Error('lost token=abcdefgh')",
    "Promise.reject(new Error('lost token=abcdefgh')); setTimeout(() => {}, 60_000)",
  ]) {
    const { lines, status } = logged(code);
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'fatal',
        msg: 'uncaught error',
        error: expect.objectContaining({ message: 'lost token=[redacted]' }),
      }),
    ]);
    expect(status).toBe(1);
  }
});

test('a process that opens no log, traces nothing and serves nothing loads nothing for it', () => {
  const code = `
    const { clientInterceptors, count, log } = require(${JSON.stringify(room)});
    log.info('nobody hears'); count('assay_log_lines_total', { level: 'warn' });
    clientInterceptors('test').then((none) => {
      const loaded = Object.keys(require.cache).filter((path) => /opentelemetry|pino|prom-client/.test(path.replace(/src.observability/, '')));
      console.log(JSON.stringify({ none, loaded: loaded.filter((path) => path.includes('node_modules')) }));
    });`;
  const { stdout } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8', env: { PATH: process.env.PATH ?? '' } });
  expect(JSON.parse(stdout)).toEqual({ none: [], loaded: [] });
});

function logged(code: string, env: Record<string, string> = {}) {
  const script = `const { log, openLog, withLogFields } = require(${JSON.stringify(room)}); openLog({ pool: 'gpu' }); ${code}`;
  const { stderr, status } = spawnSync(process.execPath, ['-e', script], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', ASSAY_HOST: 'host-a', ...env },
  });
  const isJson = (env.ASSAY_LOG_FORMAT ?? 'json') === 'json' && stderr.startsWith('{');
  return {
    stderr,
    status,
    lines: isJson
      ? stderr
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line) as Record<string, unknown>)
      : [],
  };
}
