// Keeping the page: a first version is no update, a later one waits until it is taken.
import { beforeEach, describe, expect, it } from 'vitest';
import { keepOffline, keptOffline, newVersion, type Registering, takeNewVersion } from '../../src/ui/offline';

/** A registration whose workers the test sets; the browser's own is proved in the journeys. */
class Registration extends EventTarget {
  installing: EventTarget | null = null;
  waiting: { sent: unknown[]; postMessage(message: unknown): void } | null = null;
  active: object | null = null;
}

function browser(registration: Registration, controller: object | null) {
  const workers = new EventTarget() as EventTarget & Record<string, unknown>;
  workers.controller = controller;
  workers.register = async () => registration;
  return workers as unknown as Registering & EventTarget;
}

describe('a page that is kept', () => {
  beforeEach(() => {
    keptOffline.value = false;
    newVersion.value = null;
  });

  it('is kept once its first version is active, which is no update', async () => {
    const registration = new Registration();
    const installing = new EventTarget();
    registration.installing = installing;
    await keepOffline(browser(registration, null));
    expect(keptOffline.value).toBe(false);
    registration.waiting = { sent: [], postMessage: () => undefined };
    installing.dispatchEvent(new Event('statechange'));
    expect(newVersion.value).toBeNull();
    registration.active = {};
    installing.dispatchEvent(new Event('statechange'));
    expect(keptOffline.value).toBe(true);
  });

  it('tells of a later version, and reloads only when that was taken and is in place', async () => {
    const registration = new Registration();
    registration.active = {};
    const workers = browser(registration, {});
    await keepOffline(workers);
    const installing = new EventTarget();
    registration.installing = installing;
    registration.dispatchEvent(new Event('updatefound'));
    const sent: unknown[] = [];
    registration.waiting = { sent, postMessage: (message) => sent.push(message) };
    installing.dispatchEvent(new Event('statechange'));
    expect(newVersion.value).not.toBeNull();
    expect(sent).toEqual([]);
    let reloads = 0;
    takeNewVersion(workers, () => {
      reloads += 1;
    });
    expect([sent, reloads]).toEqual([['activate'], 0]);
    workers.dispatchEvent(new Event('controllerchange'));
    expect(reloads).toBe(1);
  });

  it('does without where the browser has none, or refuses', async () => {
    await keepOffline(undefined);
    const refusing = browser(new Registration(), null);
    Object.assign(refusing, { register: () => Promise.reject(new Error('refused')) });
    await keepOffline(refusing);
    expect(keptOffline.value).toBe(false);
  });
});
