// Holds which hub models come from, and the token that it may be given. The token stays in memory and belongs to one
// address: another address forgets it, so that no host ever receives what was meant for another.

import { ModelError } from '../lib/errors';
import type { HubClient } from './hub_client';

/** Address of the Hugging Face hub. */
export const DEFAULT_HUB = 'https://huggingface.co/';

const LOCAL_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];
const TOKEN = /^[\x21-\x7e]{1,500}$/;

/**
 * The address of a hub or of a mirror with the same paths, with a final slash.
 * @throws ModelError `model/hub-address` for what is not an address over https, or over http on this computer
 */
export function hubAddress(text: string): URL {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    throw addressError(text, 'is not an address: write one such as https://huggingface.co/');
  }
  const secure =
    url.protocol === 'https:' || (url.protocol === 'http:' && LOCAL_HOSTS.includes(url.hostname));
  if (!secure) throw addressError(text, 'is not safe: only https, or http on this computer, can be used');
  if (url.username !== '' || url.password !== '')
    throw addressError(text, 'holds a password: give a token instead');
  url.search = '';
  url.hash = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

function addressError(text: string, what: string): ModelError {
  const shown = text.trim().slice(0, 200);
  return new ModelError('model/hub-address', `"${shown}" ${what}.`, { address: shown });
}

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
