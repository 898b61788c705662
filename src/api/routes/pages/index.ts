import type { App, Context } from '../../context';
import type { TokenBook } from '../../tokens';
import { assetRoutes } from './assets';
import { experimentPageRoutes } from './experiment';
import { experimentListRoutes } from './experiments';
import { poolPageRoutes } from './pool';
import { schedulePageRoutes } from './schedules';
import { seriesPageRoutes } from './series';
import { signInRoutes } from './signIn';

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
