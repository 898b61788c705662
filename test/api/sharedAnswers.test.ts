// Proves: many who ask the same cost one question, errors included, and what is forgotten is asked anew.
import { SharedAnswers } from '../../src/api/sharedAnswers';

/** A question that counts how often it was asked, and is answered by hand. */
function counted<T>() {
  const asked: { answer: (value: T) => void; fail: (error: Error) => void }[] = [];
  const question = () => new Promise<T>((answer, fail) => void asked.push({ answer, fail }));
  return { asked, question };
}

test('all who ask while a question is under way get its answer, and so do those who ask right after', async () => {
  const answers = new SharedAnswers();
  const { asked, question } = counted<string>();
  const all = Array.from({ length: 500 }, () => answers.get('stages', question));
  expect(asked).toHaveLength(1);
  asked[0]!.answer('training');
  expect(new Set(await Promise.all(all))).toEqual(new Set(['training']));
  await expect(answers.get('stages', question)).resolves.toBe('training');
  expect(asked).toHaveLength(1);
});

test('another key is another question', async () => {
  const answers = new SharedAnswers();
  const { asked, question } = counted<number>();
  const both = [answers.get('a', question), answers.get('b', question)];
  asked.forEach(({ answer }, i) => answer(i));
  expect(await Promise.all(both)).toEqual([0, 1]);
});

test('an error reaches all who asked, and a server that refuses is not asked more for it', async () => {
  const answers = new SharedAnswers();
  const { asked, question } = counted<string>();
  const all = [answers.get('a', question), answers.get('a', question)];
  asked[0]!.fail(new Error('unavailable'));
  for (const one of all) await expect(one).rejects.toThrow('unavailable');
  await expect(answers.get('a', question)).rejects.toThrow('unavailable');
  expect(asked).toHaveLength(1);
});

test('an answer is kept for a second, or for as long as it took', async () => {
  jest.useFakeTimers();
  const answers = new SharedAnswers();
  const { asked, question } = counted<string>();
  const slow = answers.get('a', question);
  await jest.advanceTimersByTimeAsync(30_000);
  asked[0]!.answer('late');
  await slow;
  await jest.advanceTimersByTimeAsync(29_000);
  await expect(answers.get('a', question)).resolves.toBe('late');
  await jest.advanceTimersByTimeAsync(1001);
  void answers.get('a', question);
  expect(asked).toHaveLength(2);
  asked[1]!.answer('soon');
  await jest.advanceTimersByTimeAsync(1001);
  void answers.get('a', question);
  expect(asked).toHaveLength(3);
  jest.useRealTimers();
});

test('however many experiments are open, 20 questions a second are asked', async () => {
  jest.useFakeTimers();
  const answers = new SharedAnswers();
  let asked = 0;
  // Each of 200 is read twice a second, for a minute.
  for (let at = 0; at < 60_000; at += 500) {
    for (let i = 0; i < 200; i++) void answers.get(`progress ${i}`, () => Promise.resolve(asked++));
    await jest.advanceTimersByTimeAsync(500);
  }
  expect(asked / 60).toBeGreaterThan(10);
  expect(asked / 60).toBeLessThanOrEqual(20.5);
  jest.useRealTimers();
});

test('what was forgotten is asked anew, and its old answer does not come back', async () => {
  const answers = new SharedAnswers();
  const { asked, question } = counted<string>();
  const before = answers.get('a', question);
  answers.forget('a');
  const after = answers.get('a', question);
  asked[1]!.answer('new');
  asked[0]!.answer('old');
  expect([await before, await after, await answers.get('a', question)]).toEqual(['old', 'new', 'new']);
});
