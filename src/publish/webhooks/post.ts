import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import type { LookupFunction } from 'node:net';

export interface Post {
  headers: Record<string, string>;
  body: string;
  lookup: LookupFunction;
  /** From the first packet to the last that is read. */
  timeoutMs: number;
  signal?: AbortSignal;
}

export interface Answer {
  status: number;
  retryAfter: string | undefined;
  /** The beginning of the body, for people. */
  text: string;
}

/** Of an answer nobody needs more than its first lines. */
const mostAnswer = 4096;

/** One POST on a connection of its own. Redirects are an answer like another: what they point to was never checked. */
export function post(url: URL, { headers, body, lookup, timeoutMs, signal }: Post): Promise<Answer> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const stop = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
  return new Promise((resolve, reject) => {
    let answered = false;
    const request = (url.protocol === 'https:' ? requestTls : requestPlain)(
      url,
      {
        ...{ method: 'POST', agent: false, lookup, signal: stop },
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        answered = true;
        void beginning(response).then((text) =>
          resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], text }),
        );
      },
    );
    // Once there is a status, what breaks off is the body, which is read as far as it came.
    request.on('error', (error) => answered || reject(deadline.aborted ? new Error(`no answer within ${timeoutMs / 1000} s`) : error));
    request.end(body);
  });
}

/** What comes of the body before it ends, breaks off, or is enough. */
async function beginning(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // Leaving the loop closes the connection.
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= mostAnswer) break;
    }
  } catch {
    // The status has come, and is what counts.
  }
  return Buffer.concat(chunks).subarray(0, mostAnswer).toString('utf8');
}
