import { executeChild, proxyActivities } from '@temporalio/workflow';

/** Hands so many bytes to an activity, which gives back so many. */
export async function throughActivity(sent: number, back: number): Promise<number> {
  const { echo } = proxyActivities<{ echo(text: string, back: number): Promise<string> }>({ startToCloseTimeout: '20s' });
  return (await echo('x'.repeat(sent), back)).length;
}

export async function throughChild(sent: number): Promise<number> {
  return executeChild(length, { args: ['x'.repeat(sent)] });
}

export async function length(text: string): Promise<number> {
  return text.length;
}

export async function returned(size: number): Promise<string> {
  return 'x'.repeat(size);
}
