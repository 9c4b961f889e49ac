// Reads the JavaScript heaps of a page and of its Worker through Chromium's debugging protocol: takes a snapshot of each,
// after a collection, and sums what the objects in it take. Compiled code is left out: V8 makes more of it in steps of
// many kilobytes for as long as a program runs, which would hide what is kept.

import type { CDPSession, Page } from '@playwright/test';

/** Bytes of objects, and of the contents of array buffers. */
export interface HeapReading {
  readonly page: number;
  readonly worker: number;
}

/** The part of a heap snapshot that is read: a flat list of nodes, each of as many numbers as there are fields. */
interface HeapSnapshot {
  readonly snapshot: {
    readonly meta: { readonly node_fields: readonly string[]; readonly node_types: readonly unknown[] };
  };
  readonly nodes: readonly number[];
}

/** Sends a method, and resolves with the chunks of a snapshot that arrive until it is done. */
type Send = (method: string, params?: object) => Promise<readonly string[]>;

const CHUNK = 'HeapProfiler.addHeapSnapshotChunk';

/** The protocol of the page itself. */
function pageProtocol(session: CDPSession): Send {
  let chunks: string[] = [];
  session.on(CHUNK, ({ chunk }) => chunks.push(chunk));
  return async (method, params) => {
    chunks = [];
    await session.send(method as 'HeapProfiler.takeHeapSnapshot', params);
    return chunks;
  };
}

/** The protocol of the first Worker that the page has or gets, spoken through the page's own session. */
async function workerProtocol(session: CDPSession): Promise<Send> {
  let sent = 0;
  let chunks: string[] = [];
  const open = new Map<number, () => void>();
  const attached = new Promise<string>((resolve) => {
    session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
      if (targetInfo.type === 'worker') resolve(sessionId);
    });
  });
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, method, params } = JSON.parse(message) as {
      id?: number;
      method?: string;
      params?: { chunk: string };
    };
    if (method === CHUNK && params !== undefined) chunks.push(params.chunk);
    if (id === undefined) return;
    open.get(id)?.();
    open.delete(id);
  });
  await session.send('Target.setAutoAttach', {
    ...{ autoAttach: true, waitForDebuggerOnStart: false, flatten: false },
  });
  const sessionId = await attached;
  return async (method, params = {}) => {
    chunks = [];
    const id = ++sent;
    const answered = new Promise<void>((resolve) => open.set(id, resolve));
    const message = JSON.stringify({ id, method, params });
    await session.send('Target.sendMessageToTarget', { sessionId, message });
    await answered;
    return chunks;
  };
}

async function objectBytes(send: Send): Promise<number> {
  // What only a finaliser of the first collection let go is collected by the second.
  await send('HeapProfiler.collectGarbage');
  await send('HeapProfiler.collectGarbage');
  const chunks = await send('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  const { snapshot, nodes } = JSON.parse(chunks.join('')) as HeapSnapshot;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [type, size] = [fields.indexOf('type'), fields.indexOf('self_size')];
  const code = (types[type] as readonly string[]).indexOf('code');
  let bytes = 0;
  for (let at = 0; at < nodes.length; at += fields.length) {
    if (nodes[at + type] !== code) bytes += nodes[at + size] ?? 0;
  }
  return bytes;
}

/** Opens the meter of a page whose Worker runs. */
export async function openHeapMeter(page: Page): Promise<() => Promise<HeapReading>> {
  const session = await page.context().newCDPSession(page);
  const own = pageProtocol(session);
  const worker = await workerProtocol(session);
  return async () => ({ page: await objectBytes(own), worker: await objectBytes(worker) });
}
