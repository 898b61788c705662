// Proves that what `assay serve` and `assay token` cannot take is refused in one sentence, before anything is started or written.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Desk, desk } from './assay';

let at: Desk;
beforeAll(() => (at = desk()));
afterAll(() => at.remove());

test.each([
  ['a port that is none', ['serve', '--port', '99999'], /^SpecInvalid --port: expected a number from 0 to 65535, got 99999\n$/],
  ['an end beyond all dates', ['token', 'create', 'a', '--scope', 'read', '--expires', '99999999999999d'], /^SpecInvalid --expires: .*\n$/],
  ['an end that is now', ['token', 'create', 'a', '--scope', 'read', '--expires', '0s'], /^SpecInvalid --expires: .*\n$/],
])('%s is refused', async (_name, args, said) => {
  const { code, out, err } = await at.run(args);
  expect({ code, out, err }).toEqual({ code: 2, out: '', err: expect.stringMatching(said) });
  expect(existsSync(join(at.folder, 'home', 'tokens.json'))).toBe(false);
});
