// A scripted arrival of models: over an engine that the test settles, with a catalogue of one model.
import { type Arrival, createArrival } from '../../src/state/arrival';
import { createHubState } from '../../src/state/hub_choice';
import type { Library } from '../../src/state/library';
import type { Look } from '../../src/state/look';
import type { ModelFit } from '../../src/worker/protocol/models';
import type { HandEngine } from './engine_script';

export const CATALOGUE = [
  {
    ...{ id: 'org/model', revision: 'v1', family: 'Small', parameters: 5e8, bytes: 1e9 },
    imageTokens: '64 per tile',
  },
];

export const FIT: ModelFit = {
  ...{ family: 'qwen2_5_vl', parameters: 5e8, downloadBytes: 1e9, freeBytes: 9e9, precision: 'int4' },
  ...{ context: 2048, maxContext: 32_768, cacheBytesPerToken: 1024, pixelsPerImage: 802_816 },
  parts: [
    { name: 'weights', bytes: 3e8 },
    { name: 'cache', bytes: 1e8 },
    { name: 'activations', bytes: 5e7 },
  ],
  ...{ bytes: 4.5e8, fits: true, tight: false, limit: null, advice: null },
  weightBytes: [
    { precision: 'bf16', bytes: 1e9 },
    { precision: 'int4', bytes: 3e8 },
  ],
};

export const HUB_MODEL = { id: 'org/model', revision: 'v1', source: 'hub' } as const;

/** The state, its clock, and what it remembers between visits. */
export function arrivalOf(parts: { engine: HandEngine; look: Look; library: Library }) {
  const clock = { now: 0 };
  const kept = { address: null as string | null };
  const arrival: Arrival = createArrival({
    ...{ client: parts.engine, look: parts.look, library: parts.library },
    hub: createHubState(parts.engine, {
      read: () => kept.address,
      write: (address) => {
        kept.address = address;
      },
    }),
    fetchCatalogue: async () => CATALOGUE,
    now: () => clock.now,
  });
  return { arrival, clock, kept };
}

/** Chooses the model, lets it fit, and begins its download. */
export async function startDownload(arrival: Arrival, engine: HandEngine): Promise<void> {
  void arrival.choose(HUB_MODEL);
  await engine.resolve('assessModel', FIT);
  void arrival.bring();
  engine.emit({ type: 'downloadProgressed', id: 'org/model', loaded: 1e8, total: 1e9 });
}

/** Pauses it. */
export async function pauseDownload(arrival: Arrival, engine: HandEngine): Promise<void> {
  void arrival.pause();
  await engine.resolve('pauseDownload');
  await engine.reject('downloadModel', { code: 'model/download-paused', message: 'paused' });
}
