// Says what helps where a hub refuses: what to check, how to get at what is not open to everybody, and the page to open.

import type { PlainError } from '../lib/plain_error';
import { control, pageName } from './controls';

/** For what the hub does not know, or does not show. */
export const CHECK_NAME = `Check the name and the revision; what is private needs a token, under ${control('hubAccess')} on ${pageName('models')}.`;

/** For what its owners give to those alone who ask. */
export const GIVE_TOKEN = `Accept its licence on its page, make a token that may read, and give it under ${control('hubAccess')} on ${pageName('models')}.`;

/** For a hub that is not there at the moment. */
export const HUB_AWAY = 'What has arrived is kept, and the models on this device work without the hub.';

/** A page elsewhere. */
export interface ErrorLink {
  readonly href: string;
  readonly label: string;
}

/** The page that an error names as `page`; nothing where that is no address over http or https. */
export function hubPageLink({ data }: PlainError): { readonly link?: ErrorLink } {
  const page = data?.page;
  if (typeof page !== 'string' || !URL.canParse(page)) return {};
  const { protocol, href } = new URL(page);
  return protocol === 'https:' || protocol === 'http:'
    ? { link: { href, label: 'Open its page on the hub' } }
    : {};
}
