// Holds which hub models and adapters come from, for every page that asks it: the address is kept between visits and told
// to the engine before anything is asked of the hub; the token is kept nowhere.

import { type ReadonlySignal, signal } from '@preact/signals';
import { DEFAULT_HUB } from '../lib/hub_address';
import type { EngineClient } from '../worker/client';
import type { HubChoice } from '../worker/protocol/models';
import type { KeptText } from './kept_plan';

/** The hub in use. */
export interface HubState {
  readonly choice: ReadonlySignal<HubChoice>;
  /** Takes another address or token. Rejects with `model/hub-address` or `model/hub-token`, and then changes nothing. */
  use(choice: HubChoice): Promise<void>;
  /** Tells the engine of an address that was kept from an earlier visit; rejects as {@link HubState.use}. */
  ready(): Promise<void>;
}

/** Makes the state; the engine is told nothing before it is asked for. */
export function createHubState(client: Pick<EngineClient, 'useHub'>, address: KeptText): HubState {
  const choice = signal<HubChoice>({ address: address.read() ?? DEFAULT_HUB, token: null });
  let told = choice.value.address === DEFAULT_HUB;
  const use = async (wanted: HubChoice): Promise<void> => {
    await client.useHub(wanted);
    told = true;
    choice.value = wanted;
    address.write(wanted.address);
  };
  return {
    choice,
    use,
    ready: async () => {
      if (!told) await use(choice.value);
    },
  };
}
