// Holds which hub models come from, and the token that it may be given. The token stays in memory and belongs to one
// address: another address forgets it, so that no host ever receives what was meant for another.

import { ModelError } from '../lib/errors';
import { DEFAULT_HUB, hubAddress } from '../lib/hub_address';
import type { HubClient } from './hub_client';

const TOKEN = /^[\x21-\x7e]{1,500}$/;

/** The hub in use. */
export class HubAccess {
  readonly #connect: (endpoint: URL) => HubClient;
  #endpoint: URL;
  #token: string | null = null;
  #client: HubClient | null = null;

  /** @param connect makes a client without a token */
  constructor(connect: (endpoint: URL) => HubClient, endpoint: string = DEFAULT_HUB) {
    this.#connect = connect;
    this.#endpoint = hubAddress(endpoint);
  }

  /** The client of the address in use. */
  get client(): HubClient {
    if (this.#client === null) {
      this.#client = this.#connect(this.#endpoint);
      this.#client.useToken(this.#token);
    }
    return this.#client;
  }

  /**
   * Uses an address and a token from now on; downloads under way go on as they began.
   * @throws ModelError `model/hub-address`, `model/hub-token`
   */
  use({ address, token }: { readonly address: string; readonly token: string | null }): void {
    const endpoint = hubAddress(address);
    const given = token === null || token.trim() === '' ? null : token.trim();
    if (given !== null && !TOKEN.test(given)) {
      throw new ModelError(
        'model/hub-token',
        'This is not a token: copy it whole from the settings of the hub.',
      );
    }
    this.#endpoint = endpoint;
    this.#token = given;
    this.#client = null;
  }
}
