import type { Client } from '@temporalio/client';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawReplyDefaultExpression, RawRequestDefaultExpression } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Server } from 'node:http';
import type { Store } from '../store';
import type { Caller } from './access';
import type { limitsOf, ServeConfig } from './config';
import type { Feeds } from './events/feed';
import type { ExperimentRecords } from './experimentRecords';
import { HttpProblem } from './problems';
import type { SharedAnswers } from './sharedAnswers';

/** What the routes work with. */
export interface Context {
  client: Client;
  store: Store;
  config: ServeConfig;
  limits: ReturnType<typeof limitsOf>;
  feeds: Feeds;
  answers: SharedAnswers;
  records: ExperimentRecords;
  /** ASSAY_HOME. */
  home: string;
  /** Base address of the Temporal UI. */
  uiUrl: string | null;
  /** An empty folder, where specs without a folder start from. */
  nowhere: string;
  heartbeatMs: number;
  version: string;
}

export type App = FastifyInstance<
  Server,
  RawRequestDefaultExpression<Server>,
  RawReplyDefaultExpression<Server>,
  FastifyBaseLogger,
  ZodTypeProvider
>;

const answerMs = 10_000;

/** Asks the Temporal server, and gives up in time to say so. */
export const ask = <T>({ client }: Context, question: () => Promise<T>, ms = answerMs): Promise<T> =>
  client.withDeadline(Date.now() + ms, question);

/** Who asks, where a token was enforced. */
export function callerOf({ caller }: FastifyRequest): Caller {
  if (caller === null) throw new HttpProblem('unauthenticated', 'a token is needed');
  return caller;
}
