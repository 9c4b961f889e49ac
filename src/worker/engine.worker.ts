// Composition root of the engine's Worker: gives the engine its device, models and decoder, and exposes its commands.
// Not logic: everything it wires together is tested by itself, and this file by every journey.
// Invariant: the only global of the Worker that the engine touches is reached through the parts given here.

import { expose } from 'comlink';
import { acquireDevice } from '../gpu/device';
import { Reasoner } from '../lookback/reasoner';
import { Engine } from './engine';
import { decodeImage } from './engine_image';
import { ModelRegistry } from './model_registry';

/** The page's folder, wherever it is served from: the built Worker lies in its `assets/`, the dev server's at `/src/…`. */
const PAGE = new URL(import.meta.env.DEV ? import.meta.env.BASE_URL : '../', self.location.href);

expose(
  new Engine({
    acquireDevice: () => acquireDevice({ label: 'look-back' }),
    registry: new ModelRegistry(PAGE),
    loadModel: (gpu, files, options) => Reasoner.load(gpu, files, options),
    decodeImage,
    now: () => performance.now(),
  }),
);
