// Lists the built-in models and fetches their files with progress, checked for size; the browser's own HTTP cache
// serves a second visit. A file that arrives with another size than the list says is an error, never handed on.

import { LookBackError, ModelError } from '../../lib/errors';
import { formatBytes } from '../../lib/format';
import { JsonReader } from '../../lib/json_reader';
import { memorySource } from '../../model/safetensors';
import type { ModelFiles } from '../../model/vision_language_model';
import type { ModelEntry } from '../../worker/protocol/engine';

/** One file of a model folder, as `models.json` lists it. */
interface ListedFile {
  readonly name: string;
  readonly bytes: number;
}

/** A model of the list with its files. */
export interface ListedModel extends ModelEntry {
  readonly files: readonly ListedFile[];
}

/** Bytes arrived of all files of a model. */
export type DownloadProgress = (loaded: number, total: number) => void;

const LIST = 'models/models.json';
const MAX_FILE_BYTES = 2 ** 34;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
const FOLDER = /^(?:[A-Za-z0-9_][A-Za-z0-9._-]*\/)*[A-Za-z0-9_][A-Za-z0-9._-]*$/;

function listError(message: string, key: string): ModelError {
  return new ModelError('model/list', message, { file: LIST, key });
}

function readFiles(model: JsonReader): ListedFile[] {
  const list = model.raw('files');
  if (!Array.isArray(list) || list.length === 0) model.fail('files', 'must be a list of files');
  return list.map((item: unknown, i): ListedFile => {
    const file = new JsonReader(item, LIST, listError, `${model.path}.files[${i}]`);
    const name = file.string('name');
    if (!NAME.test(name)) file.fail('name', `is ${JSON.stringify(name)}, not a plain file name`);
    return { name, bytes: file.integer('bytes', { min: 1, max: MAX_FILE_BYTES }) };
  });
}

/**
 * Reads a parsed `models.json`: `[{id, label, folder, bytes, files: [{name, bytes}]}]`, folders relative to the page.
 *
 * @throws ModelError `model/list` naming the key
 */
export function parseModelList(value: unknown): ListedModel[] {
  if (!Array.isArray(value) || value.length === 0) throw listError(`${LIST} must be a list of models`, '');
  return value.map((item: unknown, i): ListedModel => {
    const model = new JsonReader(item, LIST, listError, `[${i}]`);
    const files = readFiles(model);
    const folder = model.string('folder');
    if (!FOLDER.test(folder))
      model.fail('folder', `is ${JSON.stringify(folder)}, not a plain folder below the page`);
    const bytes = model.integer('bytes', { min: 1, max: MAX_FILE_BYTES });
    const sum = files.reduce((total, file) => total + file.bytes, 0);
    if (sum !== bytes) model.fail('bytes', `is ${bytes}, but its files have ${sum}`);
    return {
      id: model.string('id'),
      label: model.string('label'),
      folder,
      bytes,
      files,
    };
  });
}

/** Fetches as the platform does; tests give their own. */
export type Fetch = (url: URL, init: { signal?: AbortSignal }) => Promise<Response>;

function unreachable(url: URL, cause: unknown): LookBackError {
  return new ModelError(
    'model/download',
    `${url.pathname} could not be fetched: check the connection and retry.`,
    { url: url.pathname },
    cause,
  );
}

async function request(fetchFile: Fetch, url: URL, signal: AbortSignal | undefined): Promise<Response> {
  let response: Response;
  try {
    response = await fetchFile(url, signal === undefined ? {} : { signal });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw unreachable(url, error);
  }
  if (response.ok) return response;
  throw new ModelError(
    'model/download',
    `${url.pathname} could not be fetched: the server answered ${response.status}.`,
    {
      url: url.pathname,
      status: response.status,
    },
  );
}

/** The bytes of one file; reports every chunk. Throws `model/download` when it breaks off, `model/integrity` by size. */
async function download(
  fetchFile: Fetch,
  url: URL,
  bytes: number,
  onChunk: (length: number) => void,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const response = await request(fetchFile, url, signal);
  const whole = new Uint8Array(bytes);
  let at = 0;
  const wrongSize = (got: string): ModelError =>
    new ModelError(
      'model/integrity',
      `${url.pathname} should have ${bytes} bytes, but ${got} arrived: fetch it again.`,
      {
        url: url.pathname,
        bytes,
      },
    );
  const reader = (response.body ?? new Blob([]).stream()).getReader();
  for (;;) {
    let part: ReadableStreamReadResult<Uint8Array>;
    try {
      part = await reader.read();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const message = `${url.pathname} stopped at ${formatBytes(at)} of ${formatBytes(bytes)}: retry.`;
      throw new ModelError('model/download', message, { url: url.pathname, loaded: at }, error);
    }
    if (part.done) break;
    if (at + part.value.length > bytes) {
      void reader.cancel().catch(() => undefined);
      throw wrongSize('more');
    }
    whole.set(part.value, at);
    at += part.value.length;
    onChunk(part.value.length);
  }
  if (at !== bytes) throw wrongSize(`${at}`);
  return whole;
}

/** The built-in models of one page. */
export class ModelRegistry {
  readonly #base: URL;
  readonly #fetch: Fetch;
  #list: Promise<ListedModel[]> | undefined;

  /** @param base the page's folder, with a final slash; `models/models.json` lies in it */
  constructor(base: URL, fetchFile: Fetch = (url, init) => fetch(url, init)) {
    this.#base = base;
    this.#fetch = fetchFile;
  }

  /** All models of the list. Throws ModelError `model/download` or `model/list`; a failure is not remembered. */
  list(): Promise<ListedModel[]> {
    this.#list ??= this.#readList().catch((error: unknown) => {
      this.#list = undefined;
      throw error;
    });
    return this.#list;
  }

  async #readList(): Promise<ListedModel[]> {
    const response = await request(this.#fetch, new URL(LIST, this.#base), undefined);
    try {
      return parseModelList(await response.json());
    } catch (error) {
      if (error instanceof LookBackError) throw error;
      throw listError(`${LIST} is not JSON`, '');
    }
  }

  /**
   * Downloads every file of a model, one after another.
   *
   * @throws ModelError `model/unknown`, `model/download`, `model/integrity`; the signal's reason when aborted
   */
  async open(
    id: string,
    onProgress: DownloadProgress,
    signal?: AbortSignal,
  ): Promise<{ entry: ListedModel; files: ModelFiles }> {
    const models = await this.list();
    const entry = models.find((model) => model.id === id);
    if (entry === undefined) {
      const known = models.map((model) => model.id).join(', ');
      throw new ModelError('model/unknown', `There is no built-in model "${id}"; there are ${known}.`, {
        id,
      });
    }
    const contents = new Map<string, Uint8Array>();
    let loaded = 0;
    onProgress(0, entry.bytes);
    for (const { name, bytes } of entry.files) {
      signal?.throwIfAborted();
      const url = new URL(`${entry.folder}/${name}`, this.#base);
      const onChunk = (length: number): void => {
        loaded += length;
        onProgress(loaded, entry.bytes);
      };
      contents.set(name, await download(this.#fetch, url, bytes, onChunk, signal));
    }
    const open: ModelFiles['open'] = async (name) => {
      const bytes = contents.get(name);
      return bytes === undefined ? null : memorySource(name, bytes);
    };
    const files: ModelFiles = { name: entry.id, open };
    return { entry, files };
  }
}

/** What lists models and opens them by their ids. */
export type ModelSource = Pick<ModelRegistry, 'list' | 'open'>;

/** The models of several sources as one; an id belongs to the first source whose pattern it matches. */
export function joinModels(
  sources: readonly { readonly ids: RegExp; readonly source: ModelSource }[],
): ModelSource {
  return {
    list: async () => (await Promise.all(sources.map(({ source }) => source.list()))).flat(),
    open: async (id, onProgress, signal) => {
      const found = sources.find(({ ids }) => ids.test(id));
      if (found === undefined) throw new ModelError('model/unknown', `There is no model "${id}".`, { id });
      return found.source.open(id, onProgress, signal);
    },
  };
}
