// Reads which page is shown from the part of the address after `#/`, as a signal. The address alone decides, also for
// back and forward; any other hash leaves the page as it is, so that links to a place within a page work.

import { signal } from '@preact/signals';

/** The pages, in the order of the bar. */
export const ROUTES = ['look', 'train', 'data', 'lab', 'models', 'library'] as const;
/** One of {@link ROUTES}. */
export type Route = (typeof ROUTES)[number];

/** The page that a hash names: `#/data` is `data`, an empty hash `look`; null for a hash that names none. */
export function routeOf(hash: string): Route | null {
  if (hash === '' || hash === '#' || hash === '#/') return 'look';
  const name = /^#\/([a-z]+)(?:[/?].*)?$/.exec(hash)?.[1];
  return ROUTES.find((route) => route === name) ?? null;
}

/** The page that is shown. */
export const route = signal<Route>('look');

/** Takes the page from the address, and follows it from then on. Call once, before the first render. */
export function startRoute(): void {
  const follow = () => {
    route.value = routeOf(location.hash) ?? route.value;
  };
  follow();
  addEventListener('hashchange', follow);
}
