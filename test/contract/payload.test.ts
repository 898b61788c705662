import { payloadLimitBytes, payloadProblem } from '../../src/contract/payload';

describe('payloadProblem', () => {
  it('counts bytes, not characters', () => {
    expect(payloadProblem('x', 'é'.repeat(payloadLimitBytes / 2 + 1))).toMatch(/^x is 2621\d\d bytes/);
    expect(payloadProblem('x', 'e'.repeat(payloadLimitBytes / 2 + 1))).toBeNull();
  });

  it('lets nothing pass as nothing', () => {
    expect(payloadProblem('x', undefined)).toBeNull();
  });
});
