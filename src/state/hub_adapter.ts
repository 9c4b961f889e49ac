// Fetches an adapter of the hub by its name for the Library page, and says how much of it has arrived.

import { type ReadonlySignal, signal } from '@preact/signals';
import type { HubReference } from '../lib/hub_reference';
import type { EngineClient } from '../worker/client';
import type { HubState } from './hub_choice';
import type { Library } from './library';
import { type Pace, paceAfter } from './pace';

/** An adapter on its way here; `total` is 0 until the hub has said how large it is. */
export interface AdapterFetch extends Pace {
  readonly id: string;
}

/** The field's state and commands. Commands never throw: failures become the library's `error`. */
export interface HubAdapterState {
  /** Null while none is fetched. */
  readonly fetching: ReadonlySignal<AdapterFetch | null>;
  /** @returns whether the adapter is stored now */
  fetch(wanted: HubReference): Promise<boolean>;
  cancel(): void;
}

/** What the page gives. */
export interface HubAdapterParts {
  readonly client: Pick<EngineClient, 'listen' | 'importHubAdapter' | 'cancelHubAdapter'>;
  readonly library: Pick<Library, 'importing'>;
  readonly hub: Pick<HubState, 'ready'>;
  /** Monotonic milliseconds. */
  now(): number;
}

/** Makes the state. */
export function createHubAdapter({ client, library, hub, now }: HubAdapterParts): HubAdapterState {
  const fetching = signal<AdapterFetch | null>(null);
  client.listen((events) => {
    for (const event of events) {
      const before = fetching.value;
      if (event.type !== 'downloadProgressed' || event.id !== before?.id) continue;
      fetching.value = { id: event.id, ...paceAfter(before, event.loaded, event.total, now()) };
    }
  });
  return {
    fetching,
    fetch: async ({ id, revision }) => {
      if (fetching.value !== null) return false;
      fetching.value = { id, ...paceAfter(null, 0, 0, now()) };
      const stored = await library.importing(async () => {
        await hub.ready();
        return client.importHubAdapter(id, revision ?? 'main');
      });
      fetching.value = null;
      return stored !== null;
    },
    cancel: () => void client.cancelHubAdapter().catch(() => undefined),
  };
}
