import type { App, Context } from '../context';
import type { TokenBook } from '../tokens';
import { assetRoutes } from './pagesAssets';
import { experimentPageRoutes } from './pagesExperiment';
import { experimentListRoutes } from './pagesExperiments';
import { poolPageRoutes } from './pagesPool';
import { schedulePageRoutes } from './pagesSchedules';
import { seriesPageRoutes } from './pagesSeries';
import { signInRoutes } from './pagesSignIn';

/** Pages for people, at the addresses beside `/v1`: each part adds its own to this scope, which reads forms as well as JSON. */
export async function pageRoutes(app: App, context: Context, book: TokenBook): Promise<void> {
  await app.register(async (pages: App) => {
    pages.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
      done(null, Object.fromEntries(new URLSearchParams(String(body)))),
    );
    assetRoutes(pages);
    signInRoutes(pages, book);
    experimentListRoutes(pages, context);
    experimentPageRoutes(pages, context);
    seriesPageRoutes(pages, context);
    schedulePageRoutes(pages, context);
    poolPageRoutes(pages, context);
  });
}
