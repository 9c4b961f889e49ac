// The commands of datasets: preview files, keep the usable rows, show a row as the model gets it, and read rows for
// training. Not an importer (data/dataset/dataset_import.ts) and not a store. Invariant: what is kept is what was previewed;
// only the newest preview is held, and nothing is kept without its token.

import { type ImportedDataset, type ImportOptions, readDataset } from '../../data/dataset/dataset_import';
import type { DecodedImage } from '../../data/image/picture_decoder';
import { ArgumentError, DataError, LookBackError } from '../../lib/errors';
import { promptText } from '../../lookback/question_prompt';
import type { RowSource } from '../../lookback/row_examples';
import type { ReasoningMode } from '../../settings/train_settings';
import type { DatasetStore, StoredRow } from '../../storage/dataset_store';
import type {
  ColumnMapping,
  DatasetCommands,
  DatasetPreview,
  DatasetRow,
  DatasetRowView,
  DatasetSummary,
  NamedFile,
} from '../../worker/protocol/library';
import type { Loaded } from '../answers/engine';
import type { LiveRuns } from '../training/live_runs';

/** The store of datasets as the library uses it. */
export type DatasetRecords = Pick<DatasetStore, 'list' | 'create' | 'append' | 'get' | 'readRow' | 'delete'>;

/** What the library of datasets needs. */
export interface DatasetLibraryParts {
  /** Opened when first needed. */
  datasets(): Promise<DatasetRecords>;
  readonly engine: { readonly loaded: Loaded | undefined };
  decodeImage(file: Blob): Promise<DecodedImage>;
  readonly liveRuns: Pick<LiveRuns, 'checkUnused'>;
  changed(): void;
  createId(): string;
  /** Milliseconds since 1970. */
  date(): number;
}

interface Preview {
  readonly token: string;
  readonly found: ImportedDataset;
}

const SAMPLE_ROWS = 5;
const MAX_NAME = 200;
const MAX_TEXT = 100_000;

/** Datasets of this origin. Its methods reject with LookBackErrors. */
export class DatasetLibrary implements DatasetCommands {
  readonly #parts: DatasetLibraryParts;
  #preview: Preview | undefined;
  #reading: AbortController | undefined;

  constructor(parts: DatasetLibraryParts) {
    this.#parts = parts;
  }

  /** See DatasetCommands. A newer preview ends one that is still being read. */
  async previewDataset(files: readonly NamedFile[], mapping: ColumnMapping | null): Promise<DatasetPreview> {
    this.#reading?.abort();
    this.#preview = undefined;
    const reading = new AbortController();
    this.#reading = reading;
    const { signal } = reading;
    const found = await readDataset(files, { mapping, signal } satisfies ImportOptions);
    const sample: DatasetRow[] = [];
    for (const row of found.rows.slice(0, SAMPLE_ROWS)) {
      const { question, answer, response, imageName } = row;
      sample.push({ image: await row.image(), imageName, question, answer, response });
    }
    signal.throwIfAborted();
    const token = this.#parts.createId();
    this.#preview = { token, found };
    const { columns, mapping: used, rows, problems, moreProblems } = found;
    const withResponse = rows.filter(({ response }) => response !== null).length;
    return { token, columns, mapping: used, rows: rows.length, withResponse, problems, moreProblems, sample };
  }

  /** See DatasetCommands. */
  async keepDataset(token: string, name: string): Promise<DatasetSummary> {
    const preview = this.#preview;
    if (preview?.token !== token) {
      throw new DataError('data/preview', 'These files are no longer held: choose them again.');
    }
    const { rows } = preview.found;
    if (rows.length === 0) throw new DataError('data/dataset-empty', 'No row can be used: nothing to keep.');
    const { createId, date } = this.#parts;
    const dataset = { id: createId(), name: checkedName(name), createdAt: date() };
    const datasets = await this.#parts.datasets();
    const kept = await datasets.create(dataset, storedRows(preview.found));
    if (this.#preview === preview) this.#preview = undefined;
    this.#parts.changed();
    return summaryOf(kept);
  }

  /** See DatasetCommands. */
  async listDatasets(): Promise<readonly DatasetSummary[]> {
    return (await (await this.#parts.datasets()).list()).map(summaryOf);
  }

  /** See DatasetCommands. */
  async readDatasetRow(id: string, index: number, mode: ReasoningMode): Promise<DatasetRowView> {
    const { loaded } = this.#parts.engine;
    if (loaded === undefined) {
      throw new LookBackError('data/model', 'Rows are shown as a model gets them: load a model first.');
    }
    const row = await (await this.#parts.datasets()).readRow(id, index);
    const { pixels } = await this.#parts.decodeImage(row.image);
    const { model } = loaded;
    const { prompt, imageTokens, resizedWidth, resizedHeight } = model.prepare({
      image: pixels,
      text: row.question,
      mode,
    });
    const { tokenizer } = model.processor;
    const { imageTokenId } = model.model.config;
    return {
      row,
      prompt: promptText(tokenizer, imageTokenId, prompt.inputIds),
      promptTokens: prompt.inputIds.length,
      imageTokens,
      resizedWidth,
      resizedHeight,
      responseTokens: row.response === null ? 0 : tokenizer.encodePlain(row.response).length,
    };
  }

  /** See DatasetCommands. */
  async addToDataset(id: string | null, name: string, row: DatasetRow): Promise<DatasetSummary> {
    const whole = checkedRow(row);
    // A picture that cannot be read is refused here, not in the middle of a run.
    await this.#parts.decodeImage(whole.image);
    const datasets = await this.#parts.datasets();
    const { createId, date } = this.#parts;
    const kept =
      id === null
        ? await datasets.create({ id: createId(), name: checkedName(name), createdAt: date() }, [whole])
        : await datasets.append(id, whole);
    this.#parts.changed();
    return summaryOf(kept);
  }

  /** See DatasetCommands. */
  async deleteDataset(id: string): Promise<number> {
    await this.#parts.liveRuns.checkUnused({ kind: 'dataset', id });
    const freed = await (await this.#parts.datasets()).delete(id);
    this.#parts.changed();
    return freed;
  }

  /** Rows for training, each decoded when it is read. @throws StorageError `storage/missing` */
  async rowSource(id: string): Promise<RowSource> {
    const datasets = await this.#parts.datasets();
    const { rows: count } = await datasets.get(id);
    const read = async (position: number) => {
      const { image, question, answer, response } = await datasets.readRow(id, position);
      return { image: (await this.#parts.decodeImage(image)).pixels, question, answer, response };
    };
    return { count, read };
  }

  /** The encoded picture of a row. @throws StorageError `storage/missing` */
  async picture(id: string, position: number): Promise<Blob> {
    return (await (await this.#parts.datasets()).readRow(id, position)).image;
  }
}

async function* storedRows({ rows }: ImportedDataset): AsyncGenerator<StoredRow> {
  for (const row of rows) {
    const { imageName, question, answer, response } = row;
    yield { image: await row.image(), imageName, question, answer, response };
  }
}

function summaryOf({ id, name, rows, withResponse, bytes, createdAt }: DatasetSummary): DatasetSummary {
  return { id, name, rows, withResponse, bytes, createdAt };
}

function checkedName(name: string): string {
  const words = name.trim();
  if (words !== '' && words.length <= MAX_NAME) return words;
  throw new ArgumentError(`A dataset needs a name of 1 to ${MAX_NAME} characters.`, { key: 'name' });
}

function checkedRow({ image, imageName, question, answer, response }: DatasetRow): StoredRow {
  const texts = [question, answer, response ?? '', imageName];
  if (!(image instanceof Blob)) throw new ArgumentError('The row needs a picture.', { key: 'image' });
  if (question.trim() === '') throw new ArgumentError('The row needs a question.', { key: 'question' });
  if (answer.trim() === '') throw new ArgumentError('The row needs an answer.', { key: 'answer' });
  if (texts.some(({ length }) => length > MAX_TEXT)) {
    throw new ArgumentError(`A text of the row is longer than ${MAX_TEXT} characters.`);
  }
  return { image, imageName, question, answer, response };
}
