// Makes a link out of the address of a hub's page that an error names, where that is an address to be opened.

import type { PlainError } from '../lib/plain_error';

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
