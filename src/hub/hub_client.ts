// Asks a model hub for listings and for ranges of files, and tries again where that can help: lost connections, cut
// bodies, expired signatures of the storage behind the hub, busy servers. What trying again cannot mend is a ModelError
// that says what to do. A token goes to the hub alone: the platform drops it when a redirect leaves the hub's host.

import { ModelError } from '../lib/errors';
import { checkHubName, type HubFile, type HubListing, parseHubListing } from './hub_listing';

/** What a client is made of; tests give their own clock and chance. */
export interface HubParts {
  /** The hub's address, e.g. `https://huggingface.co/`. */
  readonly endpoint: URL;
  readonly fetch: (url: URL, init: RequestInit) => Promise<Response>;
  /** Resolves after some milliseconds; rejects with the signal's reason when aborted before. */
  readonly sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
  /** A number from 0 to 1 that spreads the waits of several clients. */
  readonly random: () => number;
  /** A connection that brings nothing for so long is given up and tried again. */
  readonly stallMs?: number;
}

/** A server that answers a request for a range with the whole file; the body is not read yet. */
export class WholeFileAnswer {
  /** Gives its connection back. */
  readonly end: () => void;
  constructor(end: () => void) {
    this.end = end;
  }
}

const MAX_TRIES = 6;
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 60_000;
const STALL_MS = 30_000;
/** A listing of 10,000 files takes about 3 MB. */
const MAX_LISTING_BYTES = 1 << 24;

/** A failure that may pass: the next try waits at least `waitMs`. */
class Passing extends Error {
  readonly waitMs: number;
  constructor(message: string, waitMs = 0) {
    super(message);
    this.waitMs = waitMs;
  }
}

/** An answer whose body is still to be read, or to be left. */
interface HubAnswer {
  readonly response: Response;
  readonly body: AsyncGenerator<Uint8Array>;
  /** Gives the connection back. */
  leave(): void;
}

/** Ends a request that brings nothing for too long, before its head has come and within its body. */
class StallWatch {
  readonly #stallMs: number;
  readonly #given: AbortSignal;
  readonly #over = new AbortController();
  /** Aborts when the caller's signal does, and when the request is over. */
  readonly signal: AbortSignal;

  constructor(stallMs: number, given: AbortSignal) {
    this.#stallMs = stallMs;
    this.#given = given;
    this.signal = AbortSignal.any([given, this.#over.signal]);
  }

  /** What is waited for, or a Passing after too long. */
  during<T>(wait: Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stalled = new Promise<never>((_, reject) => {
      const message = `nothing arrived for ${this.#stallMs / 1000} s`;
      timer = setTimeout(() => {
        reject(new Passing(message));
        this.end();
      }, this.#stallMs);
    });
    return Promise.race([wait, stalled]).finally(() => clearTimeout(timer));
  }

  /** The parts of a body. Leaving early ends the request, so that its connection is free for others. */
  async *body(response: Response): AsyncGenerator<Uint8Array> {
    const reader = (response.body ?? new Blob([]).stream()).getReader();
    try {
      for (;;) {
        const part = await this.during(reader.read());
        if (part.done) return;
        yield part.value;
      }
    } catch (error) {
      throw this.failure(error, 'the connection broke off');
    } finally {
      this.end();
    }
  }

  /** What an error of this request means: the caller's own abort, or something that may pass. */
  failure(error: unknown, message: string): unknown {
    if (this.#given.aborted) return this.#given.reason;
    return error instanceof Passing || error instanceof ModelError ? error : new Passing(message);
  }

  /** Gives the connection back. */
  end(): void {
    this.#over.abort();
  }
}

/** A client that uses the platform's connections, timers and random numbers. */
export function platformClient(endpoint: URL): HubClient {
  const sleep: HubParts['sleep'] = (delayMs, signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', stop);
        resolve();
      }, delayMs);
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      signal.addEventListener('abort', stop, { once: true });
    });
  return new HubClient({ endpoint, sleep, fetch: (url, init) => fetch(url, init), random: Math.random });
}

/** Seconds or a date of a Retry-After header, in milliseconds from now; 0 where there is none. */
export function retryAfterMs(header: string | null, now: number): number {
  if (header === null) return 0;
  const seconds = Number(header);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isFinite(wait) && wait > 0 ? wait : 0;
}

/** The hub's client of one session. */
export class HubClient {
  readonly #parts: HubParts;
  #token: string | null = null;

  constructor(parts: HubParts) {
    this.#parts = parts;
  }

  /** Uses a read token from now on, or none. It is kept in memory only. */
  useToken(token: string | null): void {
    this.#token = token;
  }

  /**
   * The files of a model at a branch, tag or commit.
   *
   * @throws ModelError `model/hub-name`, `model/hub-missing`, `model/hub-gated`, `model/hub-unreachable`,
   * `model/hub-busy`, `model/hub-refused`, `model/hub-answer`; the signal's reason when aborted
   */
  async listing(id: string, revision: string, signal: AbortSignal): Promise<HubListing> {
    checkHubName(id, revision);
    const url = new URL(`api/models/${id}/revision/${encodeURIComponent(revision)}`, this.#parts.endpoint);
    url.searchParams.set('blobs', 'true');
    const text = await this.#retrying(signal, async () => {
      const { body } = await this.#request(url, {}, id, signal);
      const decoder = new TextDecoder();
      let [read, bytes] = ['', 0];
      for await (const part of body) {
        bytes += part.length;
        if (bytes > MAX_LISTING_BYTES) throw tooLong(id);
        read += decoder.decode(part, { stream: true });
      }
      return read + decoder.decode();
    });
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      throw new ModelError('model/hub-answer', `The hub's answer about ${id} is not JSON: try again later.`, {
        id,
      });
    }
    return parseHubListing(id, answer);
  }

  /**
   * Bytes [begin, end) of a file. A body that breaks off is continued where it broke.
   *
   * @returns the bytes, or the whole file's body where the server does not know ranges
   * @throws ModelError as {@link listing}, and `model/hub-changed` when the file's size is not the listed one
   */
  async range(
    listing: HubListing,
    file: HubFile,
    begin: number,
    end: number,
    signal: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer> | WholeFileAnswer> {
    const bytes = new Uint8Array(end - begin);
    let filled = 0;
    return this.#retrying(
      signal,
      async () => {
        const from = begin + filled;
        const headers = { Range: `bytes=${from}-${end - 1}` };
        const url = this.#fileUrl(listing, file);
        const { response, body, leave } = await this.#request(url, headers, listing.id, signal);
        if (response.status === 200 && (from > 0 || end < file.bytes)) return new WholeFileAnswer(leave);
        try {
          checkRange(response, file, from);
        } catch (error) {
          leave();
          throw error;
        }
        for await (const part of body) {
          if (filled + part.length > bytes.length)
            throw changed(file, 'more bytes than were asked for arrived');
          bytes.set(part, filled);
          filled += part.length;
        }
        if (filled < bytes.length) throw new Passing(`${file.name} broke off at byte ${begin + filled}`);
        return bytes;
      },
      () => filled,
    );
  }

  /**
   * The bytes of a file from `from` on, read out of whole answers: for servers that do not know ranges. A body that
   * breaks off is asked for again, and what was handed out already is passed over. Throws as {@link range}.
   */
  async *wholeFile(
    listing: HubListing,
    file: HubFile,
    from: number,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    let at = from;
    let body: AsyncGenerator<Uint8Array> | undefined;
    let position = 0;
    const next = async (): Promise<Uint8Array | undefined> => {
      try {
        if (body === undefined) {
          body = (await this.#request(this.#fileUrl(listing, file), {}, listing.id, signal)).body;
          position = 0;
        }
        const part = await body.next();
        if (!part.done) return part.value;
        if (position < file.bytes) throw new Passing(`${file.name} broke off at byte ${position}`);
        return undefined;
      } catch (error) {
        body = undefined;
        throw error;
      }
    };
    try {
      for (;;) {
        const part = await this.#retrying(signal, next, () => at);
        if (part === undefined) return;
        const skip = Math.max(0, at - position);
        position += part.length;
        if (position > file.bytes) throw changed(file, 'more bytes than listed arrived');
        if (skip >= part.length) continue;
        at = position;
        yield part.subarray(skip);
      }
    } finally {
      await body?.return(undefined);
    }
  }

  #fileUrl(listing: HubListing, file: HubFile): URL {
    const path = file.name.split('/').map(encodeURIComponent).join('/');
    return new URL(`${listing.id}/resolve/${listing.commit}/${path}`, this.#parts.endpoint);
  }

  /** Asks once. The answer's head and each part of its body must come within the time of a stall. */
  async #request(
    url: URL,
    headers: Record<string, string>,
    id: string,
    signal: AbortSignal,
  ): Promise<HubAnswer> {
    const authorization = this.#token === null ? {} : { Authorization: `Bearer ${this.#token}` };
    const watch = new StallWatch(this.#parts.stallMs ?? STALL_MS, signal);
    let response: Response;
    try {
      const init = { headers: { ...headers, ...authorization }, signal: watch.signal };
      response = await watch.during(this.#parts.fetch(url, { ...init, cache: 'no-store' }));
    } catch (error) {
      throw watch.failure(error, error instanceof Error ? error.message : 'no connection');
    }
    if (response.ok) return { response, body: watch.body(response), leave: () => watch.end() };
    watch.end();
    throw this.#refusal(response, url, id);
  }

  #refusal(response: Response, url: URL, id: string): Error {
    const { status } = response;
    const elsewhere = response.url !== '' && new URL(response.url).host !== url.host;
    const page = new URL(id, this.#parts.endpoint).href;
    const data = { id, status };
    if (status === 429 || status === 503) {
      return new Passing('the hub is busy', retryAfterMs(response.headers.get('Retry-After'), Date.now()));
    }
    // The storage behind the hub refuses an address whose signature is too old; the hub signs a new one.
    if (status >= 500 || (elsewhere && (status === 401 || status === 403))) {
      return new Passing(`the server answered ${status}`);
    }
    // The hub answers 401 for what does not exist, too, so that nobody learns the names of private models.
    const unknown = response.headers.get('X-Error-Code') === 'RepoNotFound';
    if (!unknown && (status === 401 || status === 403)) {
      const message = `${id} is not open to everybody: accept its licence at ${page}, then give a token that may read it.`;
      return new ModelError('model/hub-gated', message, { ...data, page });
    }
    if (unknown || status === 404) {
      const message = `There is no such model, revision or file at ${page}, or it is private.`;
      return new ModelError('model/hub-missing', message, data);
    }
    if (status === 416) {
      const message = `A file of ${id} has changed on the hub while it was downloaded: start again.`;
      return new ModelError('model/hub-changed', message, data);
    }
    return new ModelError('model/hub-refused', `The hub answered ${status} when asked for ${id}.`, data);
  }

  /** Runs a request until it succeeds, fails for good, or has failed MAX_TRIES times without any progress. */
  async #retrying<T>(
    signal: AbortSignal,
    attempt: () => Promise<T>,
    progress: () => number = () => 0,
  ): Promise<T> {
    let reached = progress();
    for (let tries = 1; ; tries++) {
      signal.throwIfAborted();
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof Passing)) throw error;
        if (progress() > reached) tries = 1;
        reached = progress();
        if (tries >= MAX_TRIES) throw lastWord(error);
        const backoff = FIRST_WAIT_MS * 2 ** (tries - 1) * (0.5 + this.#parts.random());
        if (error.waitMs > MAX_WAIT_MS) throw lastWord(error);
        await this.#parts.sleep(Math.max(backoff, error.waitMs), signal);
      }
    }
  }
}

function tooLong(id: string): ModelError {
  return new ModelError('model/hub-answer', `The hub's answer about ${id} is too long to be a listing.`, {
    id,
  });
}

function lastWord(error: Passing): ModelError {
  if (error.message === 'the hub is busy') {
    const minutes = Math.max(1, Math.ceil(error.waitMs / 60_000));
    return new ModelError('model/hub-busy', `The hub is busy: try again in ${minutes} min.`, {
      waitMs: error.waitMs,
    });
  }
  const message = `The hub could not be reached (${error.message}): check the connection, then try again.`;
  return new ModelError('model/hub-unreachable', message);
}

function changed(file: HubFile, what: string): ModelError {
  const message = `${file.name} is not the file that the hub listed (${what}): start the download again.`;
  return new ModelError('model/hub-changed', message, { file: file.name });
}

/** A range must be the one that was asked for, of a file as long as listed. Headers that CORS hides say nothing. */
function checkRange(response: Response, file: HubFile, from: number): void {
  const header = response.headers.get('Content-Range');
  if (response.status !== 206 || header === null) return;
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(header);
  if (match === null) return;
  if (match[3] !== '*' && Number(match[3]) !== file.bytes) throw changed(file, `it has ${match[3]} bytes`);
  if (Number(match[1]) !== from) throw new Passing('the server sent another range');
}
