// Keeps the page on this device, so that it opens without a network from the second visit on, and takes a new version of it
// when somebody says so.

import { signal } from '@preact/signals';

/** Whether this build lies whole on this device. */
export const keptOffline = signal(false);
/** A new version that is fetched whole and waits; null where there is none. */
export const newVersion = signal<Pick<ServiceWorker, 'postMessage'> | null>(null);

/** What is used of the browser's service workers; a test gives its own. */
export type Registering = Pick<ServiceWorkerContainer, 'controller' | 'register' | 'addEventListener'>;

function follow(registration: ServiceWorkerRegistration, workers: Registering): void {
  const look = (): void => {
    keptOffline.value = registration.active !== null;
    // The first version takes its place at once: there is none that it could disturb.
    newVersion.value = workers.controller === null ? null : registration.waiting;
  };
  const watch = (): void => registration.installing?.addEventListener('statechange', look);
  registration.addEventListener('updatefound', watch);
  watch();
  look();
}

/** Fetches the page to keep, beside what goes on; where that is not possible, the page works as long as its server does. */
export async function keepOffline(workers: Registering | undefined): Promise<void> {
  if (workers === undefined) return;
  try {
    follow(await workers.register('./service_worker.js'), workers);
  } catch {
    // Blocked by the browser, or the server has no such file.
  }
}

/** Lets the new version take the place of this one, and opens it. */
export function takeNewVersion(workers: Registering, reload: () => void): void {
  workers.addEventListener('controllerchange', reload, { once: true });
  newVersion.value?.postMessage('activate');
}
