// Composition root of the engine's Worker: gives the engine its device, models and decoder, and exposes its commands.
// Not logic: everything it wires together is tested by itself, and this file by every journey.
// Invariant: the only global of the Worker that the engine touches is reached through the parts given here.

import { expose } from 'comlink';
import { acquireDevice } from '../gpu/device';
import { Reasoner } from '../lookback/reasoner';
import { Engine } from './engine';
import { decodeImage } from './engine_image';
import { ModelRegistry } from './model_registry';

/** Models lie beside the page, wherever the page is served from; the built Worker lies in `assets/`. */
const MODELS = new URL(`${import.meta.env.BASE_URL}models/`, pageFolder());

function pageFolder(): URL {
  const base = new URL(self.location.href);
  // In a build with a relative base the Worker is one folder below the page.
  return import.meta.env.DEV ? new URL('/', base) : new URL('../', base);
}

expose(
  new Engine({
    acquireDevice: () => acquireDevice({ label: 'look-back' }),
    registry: new ModelRegistry(MODELS),
    loadModel: (gpu, files, options) => Reasoner.load(gpu, files, options),
    decodeImage,
    now: () => performance.now(),
  }),
);
