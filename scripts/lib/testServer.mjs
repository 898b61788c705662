import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compiled } from './root.mjs';
import { run, say, StepFailed } from './steps.mjs';

/** The newest release of Temporal's server that skips time; needs Java 17 or newer. */
const version = '1.38.0';

/**
 * The executable that starts Temporal's time-skipping test server, for tests of what takes hours; its jars come from the Maven
 * repository that this machine is configured for, once. ASSAY_TEST_SERVER names another.
 */
export async function provideTestServer() {
  if (process.env.ASSAY_TEST_SERVER) return { path: process.env.ASSAY_TEST_SERVER, did: false };
  const { cacheFolder } = await compiled('stack', 'paths.js');
  const { withLock } = await compiled('stack', 'lock.js');
  const cache = cacheFolder();
  const folder = join(cache, `test-server-${version}`);
  const path = join(folder, 'temporal-test-server');
  if (existsSync(path)) return { path, did: false };
  needs('java', ['-version'], 'Java 17 or newer');
  needs('mvn', ['-version'], 'Maven');
  mkdirSync(cache, { recursive: true });
  return withLock(`${folder}.lock`, 10 * 60_000, async () => {
    if (existsSync(path)) return { path, did: false };
    say(`fetching the time-skipping test server ${version}`);
    const making = mkdtempSync(join(cache, '.making-'));
    try {
      writeFileSync(join(making, 'pom.xml'), pom);
      const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${join(making, 'lib')}`];
      await run('mvn', ['-B', '-q', '-f', join(making, 'pom.xml'), ...goal]);
      writeFileSync(join(making, 'temporal-test-server'), script);
      chmodSync(join(making, 'temporal-test-server'), 0o755);
      // Whole or not at all: a kill leaves no half server.
      renameSync(making, folder);
    } finally {
      rmSync(making, { recursive: true, force: true });
    }
    return { path, did: true };
  });
}

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>assay</groupId>
  <artifactId>test-server</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>io.temporal</groupId><artifactId>temporal-test-server</artifactId><version>${version}</version></dependency>
  </dependencies>
</project>
`;

const script = `#!/bin/sh
exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$(dirname "$0")/lib/*" io.temporal.testserver.TestServer "$@"
`;

function needs(command, args, what) {
  if (spawnSync(command, args, { stdio: 'ignore' }).status !== 0) {
    throw new StepFailed(
      `the tests of the GPU pool need ${what}: install it, or set ASSAY_TEST_SERVER to a temporal-test-server executable`,
    );
  }
}
