// Makes the state of the page and of its parts over scripted engines, as the app shell would: what the components' tests and
// the gallery render.
import { encode } from 'fast-png';
import { createBackup } from '../../src/state/backup';
import { createHubAdapter } from '../../src/state/hub_adapter';
import { createHubState } from '../../src/state/hub_choice';
import { createLibrary } from '../../src/state/library';
import { createLook, type PageServices } from '../../src/state/look';
import { createTrain } from '../../src/state/train';
import type { AdapterSummary, DatasetSummary, TraceSummary } from '../../src/worker/protocol/library';
import type { RunSummary } from '../../src/worker/protocol/training';
import { HandEngine, LOADED_MODEL } from '../state/engine_script';
import { detailOf, HandTrainer, settled } from '../state/train_script';

/** A picture of one pixel. */
export const PIXEL = new Blob([
  new Uint8Array(encode({ width: 1, height: 1, data: new Uint8Array(3), channels: 3 })),
]);

/** What is stored, as the engine lists it. */
export interface Stored {
  readonly adapters?: readonly AdapterSummary[];
  readonly runs?: readonly RunSummary[];
  readonly datasets?: readonly DatasetSummary[];
  readonly traces?: readonly TraceSummary[];
}

/** A page without frames, whose pictures have one pixel. */
const NO_PAGE: PageServices = {
  now: () => 0,
  everyFrame: () => () => undefined,
  still: () => false,
  keptPace: { read: () => null, write: () => undefined },
  decode: async () => ({ width: 1, height: 1, close: () => undefined }) as unknown as ImageBitmap,
  seenCells: async () => null,
};

/** The state before the engine has said anything. */
export function bare(page: Partial<PageServices> = {}) {
  const engine = new HandEngine();
  const look = createLook(engine, { ...NO_PAGE, ...page });
  const library = createLibrary(engine);
  const hub = createHubState(engine, { read: () => null, write: () => undefined });
  const hubAdapter = createHubAdapter({ client: engine, library, hub, now: () => 0 });
  const saved: string[] = [];
  const backup = createBackup({
    client: engine,
    settings: { all: () => ({ 'look-back/theme': 'dark' }), add: (settings) => Object.keys(settings).length },
    chooseFile: async () => null,
    save: (_, name) => saved.push(name),
    now: () => 0,
    date: () => 0,
  });
  return { engine, look, library, hubAdapter, backup, saved };
}

/** The state of the Look page and of what is stored, with pocket loaded. */
export async function shelf(stored: Stored = {}, page: Partial<PageServices> = {}) {
  const made = bare(page);
  const { engine, look } = made;
  void look.start();
  await settled();
  await engine.resolve('start');
  await engine.resolve('listModels', [LOADED_MODEL.entry]);
  engine.emit({ type: 'modelLoaded', model: LOADED_MODEL });
  await engine.resolve('load', LOADED_MODEL);
  await engine.resolve('listAdapters', stored.adapters ?? []);
  await engine.resolve('listRuns', stored.runs ?? []);
  await engine.resolve('listDatasets', stored.datasets ?? []);
  await engine.resolve('listTraces', stored.traces ?? []);
  return made;
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
