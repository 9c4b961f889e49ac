// Says how to get each page that is fetched when it is first opened. A page's state is made once, so that leaving a page
// and coming back loses nothing.

import type { Library } from '../state/library';
import type { Look } from '../state/look';
import type { EngineClient } from '../worker/client';
import { browserText } from './browser_text';
import { type Draw, once } from './lazy_page';
import type { Route } from './route';

/** How to get each page that is not part of the first download. */
export type Pages = Readonly<Record<Exclude<Route, 'look'>, () => Promise<Draw>>>;

/** The pages over one engine's client and what is stored. */
export function createPages(client: EngineClient, look: Look, library: Library): Pages {
  const hub = once(async () =>
    (await import('../state/hub_choice')).createHubState(client, browserText('look-back/hub')),
  );
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
      const [{ DataPage, coldStartPage }, { createDatasets }] = await Promise.all([
        import('./data/data_page'),
        import('../state/datasets'),
      ]);
      const datasets = createDatasets(client, library);
      const coldStart = coldStartPage(client, library);
      return () => <DataPage datasets={datasets} library={library} coldStart={coldStart} />;
    }),
    lab: once(async () => {
      const [{ LabPage }, { createEvaluations }, { createResults }] = await Promise.all([
        import('./evaluation/lab_page'),
        import('../state/evaluations'),
        import('../state/results'),
      ]);
      const evaluations = createEvaluations(client);
      const results = createResults(async (name) => (await fetch(`./results/${name}`)).json());
      return () => <LabPage {...{ evaluations, library, results }} />;
    }),
    models: once(async () => {
      const [{ ModelsPage }, { createArrival }, { createQualityState }, { createDeviceCheck }, made] =
        await Promise.all([
          import('./models/models_page'),
          import('../state/arrival'),
          import('../state/model_quality'),
          import('../state/device_check'),
          hub(),
        ]);
      const arrival = createArrival({
        ...{ client, look, library, hub: made },
        fetchCatalogue: async () => (await fetch('./models/catalogue.json')).json(),
        now: () => performance.now(),
      });
      const [quality, check] = [createQualityState(client), createDeviceCheck(client)];
      return () => <ModelsPage {...{ arrival, library, quality, check }} />;
    }),
    library: once(async () => {
      const [{ openLibrary }, made] = await Promise.all([import('./library/open_library'), hub()]);
      return openLibrary(client, library, made);
    }),
  };
}
