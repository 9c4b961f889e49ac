// A local server that behaves like the model hub, over real HTTP: the listing with sizes and hashes, `resolve` addresses
// that redirect to another host with signed, expiring addresses, ranges, gated models, and faults on demand.

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What can go wrong with one request for a file's bytes. */
export const HUB_FAULTS = [
  'busy',
  'cut-body',
  'altered-byte',
  'expired',
  'server-error',
  'reset',
  'whole-file',
  'other-size',
  'wrong-range',
  'stall',
] as const;
/** One of {@link HUB_FAULTS}. */
export type HubFault = (typeof HUB_FAULTS)[number];

/** What a hub holds: per model id the content of its files by path. */
export type HubModels = Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>;

/** A running hub. */
export interface TestHub {
  /** Address of the hub, with a final slash. */
  readonly endpoint: URL;
  /** Requests that arrived: host part, path, range, whether a token came along. */
  readonly requests: { host: 'hub' | 'storage'; path: string; range: string | null; token: boolean }[];
  /** Chooses the fault of each request for bytes; none by default. */
  fault: (path: string, range: string | null) => HubFault | null;
  /** Models that answer 401 without this token. */
  readonly gated: Map<string, string>;
  /** Whether the storage behind the hub knows ranges. */
  ranges: boolean;
  close(): Promise<void>;
}

/** The commit of every model of the test hub. */
export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

function hex(algorithm: string, ...parts: (string | Uint8Array)[]): string {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

function describeFiles(files: Readonly<Record<string, Uint8Array>>): unknown[] {
  return Object.entries(files).map(([rfilename, content]) => {
    const blobId = hex('sha1', `blob ${content.length}\0`, content);
    const lfs = { sha256: hex('sha256', content), size: content.length, pointerSize: 134 };
    return { rfilename, size: content.length, blobId, ...(/\.safetensors$/.test(rfilename) ? { lfs } : {}) };
  });
}

function listen(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(handle);
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

const CORS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Headers': 'authorization, range',
  'Access-Control-Expose-Headers': 'Content-Range, Accept-Ranges, ETag, X-Error-Code, Retry-After',
};

/** Starts a hub with these models; the caller closes it. */
export async function startHub(models: HubModels): Promise<TestHub> {
  const signatures = new Map<string, { id: string; path: string; fault: HubFault | null }>();
  const hub: Omit<TestHub, 'endpoint' | 'close'> = {
    requests: [],
    fault: () => null,
    gated: new Map(),
    ranges: true,
  };
  const note = (host: 'hub' | 'storage', request: IncomingMessage): void => {
    const { range, authorization } = request.headers;
    const path = new URL(request.url ?? '', 'http://h').pathname;
    hub.requests.push({ host, path, range: range ?? null, token: authorization !== undefined });
  };

  const storage = await listen((request, response) => {
    if (request.method === 'OPTIONS') return void response.writeHead(204, CORS).end();
    note('storage', request);
    const key = new URL(request.url ?? '', 'http://h').searchParams.get('signature') ?? '';
    const signed = signatures.get(key);
    signatures.delete(key);
    if (signed === undefined || signed.fault === 'expired') {
      return void response.writeHead(403, CORS).end('expired');
    }
    const content = models[signed.id]?.[signed.path] ?? new Uint8Array();
    sendBytes(response, content, request.headers.range ?? null, signed.fault, hub.ranges);
  });

  const front = await listen((request, response) => {
    if (request.method === 'OPTIONS') return void response.writeHead(204, CORS).end();
    note('hub', request);
    const url = new URL(request.url ?? '', 'http://h');
    const [, id, rest] =
      /^\/(?:api\/models\/)?([^/]+\/[^/]+)\/(?:revision|resolve)\/(.*)$/.exec(url.pathname) ?? [];
    const files = models[id ?? ''];
    if (id === undefined || rest === undefined || files === undefined) {
      return void response.writeHead(401, { ...CORS, 'X-Error-Code': 'RepoNotFound' }).end();
    }
    const token = hub.gated.get(id);
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      return void response.writeHead(401, { ...CORS, 'X-Error-Code': 'GatedRepo' }).end();
    }
    if (url.pathname.startsWith('/api/')) {
      if (!['main', COMMIT].includes(rest)) {
        return void response.writeHead(404, { ...CORS, 'X-Error-Code': 'RevisionNotFound' }).end();
      }
      const body = JSON.stringify({ id, sha: COMMIT, gated: false, siblings: describeFiles(files) });
      return void response.writeHead(200, { ...CORS, 'Content-Type': 'application/json' }).end(body);
    }
    const path = decodeURIComponent(rest.slice(COMMIT.length + 1));
    if (files[path] === undefined) {
      return void response.writeHead(404, { ...CORS, 'X-Error-Code': 'EntryNotFound' }).end();
    }
    const fault = hub.fault(path, request.headers.range ?? null);
    if (fault === 'busy') return void response.writeHead(429, { ...CORS, 'Retry-After': '0' }).end();
    if (fault === 'server-error') return void response.writeHead(502, CORS).end();
    if (fault === 'reset') return void request.socket.destroy();
    const key = `${signatures.size}-${hub.requests.length}`;
    signatures.set(key, { id, path, fault });
    const location = `http://localhost:${portOf(storage)}/${hex('sha256', path)}?signature=${key}`;
    response.writeHead(302, { ...CORS, Location: location }).end();
  });

  return Object.assign(hub, {
    endpoint: new URL(`http://127.0.0.1:${portOf(front)}/`),
    close: async () => {
      for (const server of [front, storage]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  });
}

/** Answers a request for bytes, with the fault that was chosen for it. */
function sendBytes(
  response: ServerResponse,
  content: Uint8Array,
  range: string | null,
  fault: HubFault | null,
  ranges: boolean,
): void {
  const match = /^bytes=(\d+)-(\d+)$/.exec(range ?? '');
  if (match === null || !ranges || fault === 'whole-file') {
    response.writeHead(200, { ...CORS, 'Content-Length': content.length });
    sendBody(response, content, fault);
    return;
  }
  const begin = Number(match[1]) + (fault === 'wrong-range' && Number(match[1]) > 0 ? -1 : 0);
  const end = Math.min(Number(match[2]) + 1, content.length);
  if (begin >= content.length) {
    response.writeHead(416, { ...CORS, 'Content-Range': `bytes */${content.length}` }).end();
    return;
  }
  const total = fault === 'other-size' ? content.length + 1 : content.length;
  const body = content.subarray(begin, end);
  response.writeHead(206, {
    ...CORS,
    'Content-Length': body.length,
    'Content-Range': `bytes ${begin}-${end - 1}/${total}`,
  });
  sendBody(response, body, fault);
}

function sendBody(response: ServerResponse, body: Uint8Array, fault: HubFault | null): void {
  if (fault === 'stall') {
    response.write(body.subarray(0, (body.length + 1) >> 1));
    return;
  }
  if (fault === 'cut-body') {
    response.write(body.subarray(0, (body.length + 1) >> 1), () => response.destroy());
    return;
  }
  const sent = Uint8Array.from(body);
  if (fault === 'altered-byte' && sent.length > 0) sent[sent.length >> 1] = (sent[sent.length >> 1] ?? 0) ^ 1;
  response.end(sent);
}
