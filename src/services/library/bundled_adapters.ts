// Reads the adapters that came with the page: listed in `adapters/adapters.json` beside it and fetched once the list
// is known, so that they are at hand when the connection is gone. A page without such a list has no bundled adapters;
// a list that is there and malformed is an error, never silently fewer adapters.

import { LookBackError, ModelError } from '../../lib/errors';
import { JsonReader } from '../../lib/json_reader';
import { precisionNamed } from '../../model/base_precision';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../../model/peft';
import type { AdapterSummary } from '../../worker/protocol/library';
import type { Fetch } from '../answers/model_registry';

/** The two files of an adapter as they lie in its folder. */
export interface AdapterFiles {
  readonly config: Uint8Array<ArrayBuffer>;
  readonly weights: Uint8Array<ArrayBuffer>;
}

interface Listed {
  readonly summary: AdapterSummary;
  readonly folder: string;
}

/** Where the list of bundled adapters lies, from the page's folder. */
export const ADAPTER_LIST = 'adapters/adapters.json';
const FOLDER = /^(?:[A-Za-z0-9_][A-Za-z0-9._-]*\/)*[A-Za-z0-9_][A-Za-z0-9._-]*$/;
const SHA256 = /^[0-9a-f]{64}$/;

function listError(message: string, key: string): ModelError {
  return new ModelError('model/list', message, { file: ADAPTER_LIST, key });
}

function readEntry(item: unknown, at: number): Listed {
  const json = new JsonReader(item, ADAPTER_LIST, listError, `adapters[${at}]`);
  const folder = json.string('folder');
  if (!FOLDER.test(folder)) json.fail('folder', `is ${JSON.stringify(folder)}, not a plain folder`);
  const fingerprint = json.string('fingerprint');
  if (!SHA256.test(fingerprint)) json.fail('fingerprint', 'must be a SHA-256 in lower-case hexadecimal');
  const targets = json.raw('targetModules');
  if (!Array.isArray(targets) || !targets.every((name) => typeof name === 'string')) {
    json.fail('targetModules', 'must be a list of module names');
  }
  const whole = { max: Number.MAX_SAFE_INTEGER };
  const summary: AdapterSummary = {
    id: json.string('id'),
    name: json.string('name'),
    notes: json.has('notes') ? json.string('notes') : '',
    modelId: json.string('modelId'),
    fingerprint,
    precision: json.has('precision') ? precisionNamed(json.string('precision')) : null,
    caution: null,
    bundled: true,
    r: json.integer('r', { min: 1 }),
    loraAlpha: json.number('loraAlpha'),
    targetModules: targets as string[],
    parameters: json.integer('parameters', whole),
    bytes: json.integer('bytes', whole),
    createdAt: json.integer('createdAt', whole),
    run: json.has('run') ? readRun(json.object('run')) : null,
    metrics: json.has('metrics') ? readMetrics(json.object('metrics'), json.raw('metrics')) : {},
  };
  return { summary, folder };
}

function readRun(run: JsonReader): AdapterSummary['run'] {
  const method = run.string('method');
  if (method !== 'sft' && method !== 'grpo') run.fail('method', 'must be sft or grpo');
  return { id: run.string('id'), method: method === 'sft' ? 'sft' : 'grpo', step: run.integer('step') };
}

function readMetrics(json: JsonReader, raw: unknown): Record<string, number> {
  return Object.fromEntries(Object.keys(raw as object).map((key) => [key, json.number(key)]));
}

/** The bundled adapters of one page. */
export class BundledAdapters {
  readonly #base: URL;
  readonly #fetch: Fetch;
  #list: Promise<readonly Listed[]> | undefined;
  readonly #files = new Map<string, Promise<AdapterFiles>>();

  /** @param base the page's folder, with a final slash */
  constructor(base: URL, fetchFile: Fetch = (url, init) => fetch(url, init)) {
    this.#base = base;
    this.#fetch = fetchFile;
  }

  /** All of them; none where the page has no list or cannot be reached. Throws ModelError `model/list`. */
  async list(): Promise<readonly AdapterSummary[]> {
    const entries = await this.#entries();
    // What fails now is tried again when it is used.
    for (const entry of entries) this.#filesOf(entry).catch(() => undefined);
    return entries.map(({ summary }) => summary);
  }

  /** The files of one; null when there is none of that id. Throws ModelError `model/download`. */
  async open(id: string): Promise<AdapterFiles | null> {
    const entry = (await this.#entries()).find(({ summary }) => summary.id === id);
    return entry === undefined ? null : this.#filesOf(entry);
  }

  #filesOf({ folder, summary: { id } }: Listed): Promise<AdapterFiles> {
    const known = this.#files.get(id);
    if (known !== undefined) return known;
    const files = Promise.all([
      this.#file(`${folder}/${ADAPTER_CONFIG}`),
      this.#file(`${folder}/${ADAPTER_WEIGHTS}`),
    ]).then(([config, weights]) => ({ config, weights }));
    this.#files.set(id, files);
    files.catch(() => this.#files.delete(id));
    return files;
  }

  #entries(): Promise<readonly Listed[]> {
    this.#list ??= this.#read().catch((error: unknown) => {
      this.#list = undefined;
      throw error;
    });
    return this.#list;
  }

  async #read(): Promise<readonly Listed[]> {
    const response = await this.#fetch(new URL(ADAPTER_LIST, this.#base), {}).catch(() => null);
    // A single-page host may answer with its start page.
    if (!response?.ok || !response.headers.get('content-type')?.includes('json')) {
      this.#list = undefined;
      return [];
    }
    let json: unknown;
    try {
      json = await response.json();
    } catch {
      throw listError(`${ADAPTER_LIST} is not JSON`, '');
    }
    const list = new JsonReader(json, ADAPTER_LIST, listError).raw('adapters');
    if (!Array.isArray(list)) throw listError(`${ADAPTER_LIST}: adapters must be a list`, 'adapters');
    return list.map(readEntry);
  }

  async #file(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const url = new URL(path, this.#base);
    try {
      const response = await this.#fetch(url, {});
      if (response.ok) return new Uint8Array(await response.arrayBuffer());
      throw new ModelError('model/download', `${url.pathname} could not be fetched: ${response.status}.`);
    } catch (error) {
      if (error instanceof LookBackError) throw error;
      const message = `${url.pathname} could not be fetched: check the connection and retry.`;
      throw new ModelError('model/download', message, { url: url.pathname }, error);
    }
  }
}
