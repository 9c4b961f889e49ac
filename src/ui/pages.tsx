// Fetches pages when they are first opened, and shows one or says why it cannot. A page's state is made once, so that
// leaving a page and coming back loses nothing.

import { useSignal } from '@preact/signals';
import type { ComponentChild } from 'preact';
import { useEffect } from 'preact/hooks';
import type { PlainError } from '../lib/plain_error';
import type { Library } from '../state/library';
import type { Look } from '../state/look';
import type { EngineClient } from '../worker/client';
import { browserText } from './browser_text';
import { COPY } from './copy';
import { Notice } from './notice';
import type { Route } from './route';

/** Draws a page or dialog that has been fetched. */
export type Draw = () => ComponentChild;

/** How to get each page that is not part of the first download. */
export type Pages = Readonly<Record<Exclude<Route, 'look'>, () => Promise<Draw>>>;

/** Remembers what `load` brought; forgets a failure, so that it can be tried again. */
function once(load: () => Promise<Draw>): () => Promise<Draw> {
  let loaded: Promise<Draw> | null = null;
  return () => {
    loaded ??= load().catch((thrown) => {
      loaded = null;
      throw thrown;
    });
    return loaded;
  };
}

/** The pages over one engine's client and what is stored. */
export function createPages(client: EngineClient, look: Look, library: Library): Pages {
  return {
    train: once(async () => {
      const [{ TrainPage }, { createTrain }] = await Promise.all([
        import('./train/train_page'),
        import('../state/train'),
      ]);
      const train = createTrain(client, browserText('look-back/plan'));
      return () => <TrainPage train={train} library={library} />;
    }),
    data: once(async () => {
      const [{ DataPage }, { createDatasets }] = await Promise.all([
        import('./data/data_page'),
        import('../state/datasets'),
      ]);
      const datasets = createDatasets(client, library);
      return () => <DataPage datasets={datasets} library={library} />;
    }),
    models: once(async () => {
      const [{ ModelsPage }, { createArrival }] = await Promise.all([
        import('./models/models_page'),
        import('../state/arrival'),
      ]);
      const arrival = createArrival({
        ...{ client, look, library },
        address: browserText('look-back/hub'),
        fetchCatalogue: async () => (await fetch('./models/catalogue.json')).json(),
        now: () => performance.now(),
      });
      return () => <ModelsPage arrival={arrival} library={library} />;
    }),
    library: once(async () => {
      const { LibraryPage } = await import('./library/library_page');
      return () => <LibraryPage library={library} />;
    }),
  };
}

/** The error of a part of the page that could not be fetched. */
export function partError(thrown: unknown): PlainError {
  return { code: 'page/part', message: thrown instanceof Error ? thrown.message : String(thrown) };
}

/** Shows what `load` brings. */
export function LazyPage({ load }: { readonly load: () => Promise<Draw> }) {
  // In an object, as a signal or a setter given a function might call it.
  const page = useSignal<{ readonly draw: Draw } | null>(null);
  const error = useSignal<PlainError | null>(null);
  useEffect(() => {
    load().then(
      (draw) => {
        page.value = { draw };
      },
      (thrown) => {
        error.value = partError(thrown);
      },
    );
  }, [load, page, error]);
  if (error.value !== null) return <Notice error={error.value} />;
  if (page.value === null) return <p class="empty">{COPY.app.opening}</p>;
  return <>{page.value.draw()}</>;
}
