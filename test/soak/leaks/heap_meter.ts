// Reads the JavaScript heaps of a page and of its Worker through Chromium's debugging protocol, each after a collection
// that the protocol orders.

import type { CDPSession, Page } from '@playwright/test';

/** Bytes in use. */
export interface HeapReading {
  readonly page: number;
  readonly worker: number;
}

/** What `Runtime.getHeapUsage` says, of which older browsers leave the second out. */
interface HeapUsage {
  readonly usedSize: number;
  /** Contents of array buffers, which lie beside the heap. */
  readonly backingStorageSize?: number;
}

type Send = (method: string, params?: object) => Promise<unknown>;

/** The protocol of the first Worker that the page has or gets, spoken through the page's own session. */
async function workerProtocol(session: CDPSession): Promise<Send> {
  let sent = 0;
  const open = new Map<number, (result: unknown) => void>();
  const attached = new Promise<string>((resolve) => {
    session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
      if (targetInfo.type === 'worker') resolve(sessionId);
    });
  });
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, result } = JSON.parse(message) as { id?: number; result?: unknown };
    if (id === undefined) return;
    open.get(id)?.(result);
    open.delete(id);
  });
  await session.send('Target.setAutoAttach', {
    ...{ autoAttach: true, waitForDebuggerOnStart: false, flatten: false },
  });
  const sessionId = await attached;
  return (method, params = {}) =>
    new Promise((resolve, reject) => {
      const id = ++sent;
      open.set(id, resolve);
      const message = JSON.stringify({ id, method, params });
      session.send('Target.sendMessageToTarget', { sessionId, message }).catch(reject);
    });
}

async function usedBytes(send: Send): Promise<number> {
  // What only a finaliser of the first collection let go is collected by the second.
  await send('HeapProfiler.collectGarbage');
  await send('HeapProfiler.collectGarbage');
  const { usedSize, backingStorageSize = 0 } = (await send('Runtime.getHeapUsage')) as HeapUsage;
  return usedSize + backingStorageSize;
}

/** Opens the meter of a page whose Worker runs. */
export async function openHeapMeter(page: Page): Promise<() => Promise<HeapReading>> {
  const session = await page.context().newCDPSession(page);
  const worker = await workerProtocol(session);
  const own: Send = (method, params) => session.send(method as 'Runtime.getHeapUsage', params as undefined);
  return async () => ({ page: await usedBytes(own), worker: await usedBytes(worker) });
}
