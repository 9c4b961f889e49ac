// A local server that behaves like the model hub, over real HTTP: the listing with sizes and hashes, `resolve` addresses
// that redirect to another host with signed, expiring addresses, ranges, gated models, and faults on demand.

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What can go wrong with one request for a file's bytes and be right at the next. */
export const PASSING_FAULTS = [
  'busy',
  'cut-body',
  'altered-byte',
  'expired',
  'server-error',
  'reset',
  'whole-file',
  'wrong-range',
  'stall',
  'no-answer',
  'slow',
  'detour',
] as const;

/** Answers that end a download, with the code of the error that they mean. */
export const FATAL_FAULTS = {
  'other-size': 'model/hub-changed',
  gated: 'model/hub-gated',
  forbidden: 'model/hub-gated',
  missing: 'model/hub-missing',
  'past-end': 'model/hub-changed',
  'busy-for-long': 'model/hub-busy',
} as const;

/** Faults that a request for a listing can have, too: the others are those of ranges and of the storage. */
export const LISTING_FAULTS = [
  ...['busy', 'cut-body', 'server-error', 'reset', 'stall', 'no-answer', 'slow'],
  ...['gated', 'forbidden', 'missing', 'busy-for-long'],
] as readonly HubFault[];

/** What can go wrong with one request. */
export type HubFault = (typeof PASSING_FAULTS)[number] | keyof typeof FATAL_FAULTS;

/** A large file whose bytes are made when they are asked for. */
export interface MadeFile {
  readonly length: number;
  /** SHA-256 of all of it in hexadecimal. */
  readonly sha256: string;
  /** Bytes [begin, end), no more than a few megabytes at a time. */
  subarray(begin: number, end: number): Uint8Array;
}

/** What a hub holds: per model id the content of its files by path. */
export type HubModels = Readonly<Record<string, Readonly<Record<string, Uint8Array | MadeFile>>>>;

/** A running hub. */
export interface TestHub {
  /** Address of the hub, with a final slash. */
  readonly endpoint: URL;
  /** Requests that arrived: host part, path, range, whether a token came along. */
  readonly requests: { host: 'hub' | 'storage'; path: string; range: string | null; token: boolean }[];
  /** Chooses the fault of each request for bytes; none by default. */
  fault: (path: string, range: string | null) => HubFault | null;
  /** Chooses the fault of each request for a listing, one of {@link LISTING_FAULTS}; none by default. */
  listingFault: () => HubFault | null;
  /** Seconds of Retry-After of a busy answer. */
  retryAfter: number;
  /** Models that answer 401 without this token. */
  readonly gated: Map<string, string>;
  /** Bytes of files that were sent. */
  sentBytes: number;
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

function describeFiles(files: HubModels[string]): unknown[] {
  return Object.entries(files).map(([rfilename, content]) => {
    if (!(content instanceof Uint8Array)) {
      const { sha256, length: size } = content;
      return { rfilename, size, blobId: '0'.repeat(40), lfs: { sha256, size, pointerSize: 134 } };
    }
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
    listingFault: () => null,
    retryAfter: 0,
    sentBytes: 0,
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
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://h');
    const key = searchParams.get('signature') ?? '';
    if (searchParams.has('detour')) {
      return void response.writeHead(307, { ...CORS, Location: `${pathname}?signature=${key}` }).end();
    }
    const signed = signatures.get(key);
    signatures.delete(key);
    if (signed === undefined || signed.fault === 'expired') {
      return void response.writeHead(403, CORS).end('expired');
    }
    const content = models[signed.id]?.[signed.path] ?? new Uint8Array();
    hub.sentBytes += sendBytes(response, content, request.headers.range ?? null, signed.fault, hub.ranges);
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
      const fault = hub.listingFault();
      if (refuse(request, response, fault, hub.retryAfter)) return;
      const text = JSON.stringify({ id, sha: COMMIT, gated: false, siblings: describeFiles(files) });
      const body = Buffer.from(text);
      const type = { 'Content-Type': 'application/json', 'Content-Length': body.length };
      response.writeHead(200, { ...CORS, ...type });
      return sendBody(response, body, fault);
    }
    const path = decodeURIComponent(rest.slice(COMMIT.length + 1));
    if (files[path] === undefined) {
      return void response.writeHead(404, { ...CORS, 'X-Error-Code': 'EntryNotFound' }).end();
    }
    const fault = hub.fault(path, request.headers.range ?? null);
    if (refuse(request, response, fault, hub.retryAfter)) return;
    const key = `${signatures.size}-${hub.requests.length}`;
    signatures.set(key, { id, path, fault });
    const location = `http://localhost:${portOf(storage)}/${hex('sha256', path)}?signature=${key}${fault === 'detour' ? '&detour' : ''}`;
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

const REFUSALS: Partial<Readonly<Record<HubFault, readonly [status: number, headers: object]>>> = {
  'busy-for-long': [429, { 'Retry-After': '3600' }],
  'server-error': [502, {}],
  gated: [401, { 'X-Error-Code': 'GatedRepo' }],
  forbidden: [403, {}],
  missing: [404, { 'X-Error-Code': 'EntryNotFound' }],
};

/** Answers with a fault of the hub itself. @returns whether the fault is one, so that nothing else is to be answered */
function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  fault: HubFault | null,
  retryAfter: number,
): boolean {
  if (fault === null || fault === 'no-answer') return fault !== null;
  if (fault === 'reset') {
    request.socket.destroy();
    return true;
  }
  const refusal = fault === 'busy' ? ([429, { 'Retry-After': `${retryAfter}` }] as const) : REFUSALS[fault];
  if (refusal === undefined) return false;
  response.writeHead(refusal[0], { ...CORS, ...refusal[1] }).end();
  return true;
}

/** Answers a request for bytes, with the fault that was chosen for it. @returns bytes of the body, faults aside */
function sendBytes(
  response: ServerResponse,
  content: Uint8Array | MadeFile,
  range: string | null,
  fault: HubFault | null,
  ranges: boolean,
): number {
  const match = /^bytes=(\d+)-(\d+)$/.exec(range ?? '');
  if (match === null || !ranges || fault === 'whole-file') {
    response.writeHead(200, { ...CORS, 'Content-Length': content.length });
    sendBody(response, content.subarray(0, content.length), fault);
    return content.length;
  }
  const begin = Number(match[1]) + (fault === 'wrong-range' && Number(match[1]) > 0 ? -1 : 0);
  const end = Math.min(Number(match[2]) + 1, content.length);
  if (begin >= content.length || fault === 'past-end') {
    response.writeHead(416, { ...CORS, 'Content-Range': `bytes */${content.length}` }).end();
    return 0;
  }
  const total = fault === 'other-size' ? content.length + 1 : content.length;
  const body = content.subarray(begin, end);
  response.writeHead(206, {
    ...CORS,
    'Content-Length': body.length,
    'Content-Range': `bytes ${begin}-${end - 1}/${total}`,
  });
  sendBody(response, body, fault);
  return body.length;
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
  if (fault === 'slow') {
    trickle(response, body);
    return;
  }
  if (fault !== 'altered-byte') {
    response.end(body);
    return;
  }
  const sent = Uint8Array.from(body);
  if (sent.length > 0) sent[sent.length >> 1] = (sent[sent.length >> 1] ?? 0) ^ 1;
  response.end(sent);
}

/** Sends a body in eight parts, with pauses between them. */
function trickle(response: ServerResponse, body: Uint8Array, part = 0): void {
  const [begin, end] = [part, part + 1].map((k) => Math.ceil((k * body.length) / 8)) as [number, number];
  if (part === 8) return void response.end();
  response.write(body.subarray(begin, end));
  setTimeout(() => trickle(response, body, part + 1), 5);
}
