// Renders parts of the page over scripted engines, as the app shell would: what the components' tests run on.
import { cleanup, configure, render } from '@testing-library/preact';
import type { ComponentChildren } from 'preact';
import { afterEach } from 'vitest';
import { createHubAdapter } from '../../src/state/hub_adapter';
import { createHubState } from '../../src/state/hub_choice';
import { createLibrary, type Library } from '../../src/state/library';
import { createLook, type Look } from '../../src/state/look';
import { createTrain, type Train } from '../../src/state/train';
import { LibraryContext, LookContext } from '../../src/ui/look/look_context';
import { fetchErrorWords } from '../../src/ui/notice';
import { TrainContext } from '../../src/ui/train/train_context';
import type { AdapterSummary, DatasetSummary } from '../../src/worker/protocol/library';
import type { RunSummary } from '../../src/worker/protocol/training';
import { HandEngine, LOADED_MODEL } from '../state/engine_script';
import { detailOf, HandTrainer, settled } from '../state/train_script';

// Without a style sheet nothing is hidden, and asking for it takes most of the time.
configure({ defaultHidden: true });
afterEach(cleanup);
await fetchErrorWords();

/** The state of the Look page and of what is stored, with pocket loaded. */
export async function shelf(
  stored: {
    readonly adapters?: readonly AdapterSummary[];
    readonly runs?: readonly RunSummary[];
    readonly datasets?: readonly DatasetSummary[];
  } = {},
) {
  const engine = new HandEngine();
  const decode = async () => ({ width: 1, height: 1, close: () => undefined }) as unknown as ImageBitmap;
  const look = createLook(engine, {
    now: () => 0,
    everyFrame: () => () => undefined,
    decode,
    seenCells: async () => null,
  });
  const library = createLibrary(engine);
  void look.start();
  await settled();
  await engine.resolve('start');
  await engine.resolve('listModels', [LOADED_MODEL.entry]);
  engine.emit({ type: 'modelLoaded', model: LOADED_MODEL });
  await engine.resolve('load', LOADED_MODEL);
  await engine.resolve('listAdapters', stored.adapters ?? []);
  await engine.resolve('listRuns', stored.runs ?? []);
  await engine.resolve('listDatasets', stored.datasets ?? []);
  const hub = createHubState(engine, { read: () => null, write: () => undefined });
  const hubAdapter = createHubAdapter({ client: engine, library, hub, now: () => 0 });
  return { engine, look, library, hubAdapter };
}

/** Renders within the contexts of the app shell. */
export function renderIn({ look, library }: { look: Look; library: Library }, children: ComponentChildren) {
  return render(
    <LookContext.Provider value={look}>
      <LibraryContext.Provider value={library}>{children}</LibraryContext.Provider>
    </LookContext.Provider>,
  );
}

/** The state of the Train page once it is open, with what is stored in `change`; the first run is shown with `steps` steps. */
export async function trainPage(change: Partial<HandTrainer> = {}, steps = 0) {
  const client = Object.assign(new HandTrainer(), change);
  const train = createTrain(client);
  const opening = train.open();
  await settled();
  const [run] = [...client.runs].sort((a, b) => b.createdAt - a.createdAt);
  if (run !== undefined) await client.resolve('readRun', detailOf(run, steps));
  await opening;
  return { client, train };
}

/** Renders a part of the Train page. */
export function renderTrain(train: Train, children: ComponentChildren) {
  return render(<TrainContext.Provider value={train}>{children}</TrainContext.Provider>);
}
