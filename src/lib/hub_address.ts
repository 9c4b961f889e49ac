// Says which addresses models may come from: the Hugging Face hub, and mirrors of it that are safe to ask.

import { ModelError } from './errors';

/** Address of the Hugging Face hub. */
export const DEFAULT_HUB = 'https://huggingface.co/';

const LOCAL_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];
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
