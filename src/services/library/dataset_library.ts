// Serves the commands of datasets: previews files, keeps the usable rows, shows a row as the model gets it, and reads rows
// for training. What is kept is what was previewed: only the newest preview is held, and nothing is kept without its token.

import type { ImportedDataset, ImportedRow } from '../../data/dataset/dataset_import';
import type { ImportOptions } from '../../data/dataset/import_options';
import { type FindUnknownWords, type WordedRow, warnOfUnknownWords } from '../../data/dataset/unknown_rows';
import type { DecodedImage } from '../../data/image/picture_decoder';
import { knowsEveryWord, unknownWords } from '../../data/text/unknown_words';
import { ArgumentError, DataError, LookBackError } from '../../lib/errors';
import { itemAt } from '../../lib/invariant';
import { promptText } from '../../lookback/question_prompt';
import type { RowSource } from '../../lookback/row_examples';
import type { ReasoningMode } from '../../settings/reasoning_modes';
import type { DatasetStore, StoredRow } from '../../storage/dataset_store';
import type { DatasetOrigin } from '../../storage/records';
import type {
  DatasetCommands,
  DatasetPreview,
  DatasetProblem,
  DatasetRow,
  DatasetRowView,
  DatasetSummary,
  DatasetWords,
  ImportChoice,
  ImportProgress,
  KeptDataset,
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
  /** Hears how far an import is. */
  progressed(progress: ImportProgress): void;
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
const PROGRESS_MS = 100;
const MAX_TEXT = 100_000;
/** Rows that are looked at for unknown words: each brings its picture along from the store. */
const MAX_WORD_ROWS = 2000;
const MAX_WORD_WARNINGS = 20;

/** Datasets of this origin. Its methods reject with LookBackErrors. */
export class DatasetLibrary implements DatasetCommands {
  readonly #parts: DatasetLibraryParts;
  #preview: Preview | undefined;
  #reading: AbortController | undefined;
  #checking: AbortController | undefined;

  constructor(parts: DatasetLibraryParts) {
    this.#parts = parts;
  }

  /** See DatasetCommands. A newer preview ends one that is still being read. */
  async previewDataset(
    files: readonly NamedFile[],
    { mapping, split }: ImportChoice,
  ): Promise<DatasetPreview> {
    this.#preview = undefined;
    return this.#importing(async (signal) => {
      const [unknown, onProgress] = [this.#unknownWords(), this.#progress()];
      const options = {
        mapping,
        table: split,
        signal,
        onProgress,
        unknownWords: unknown ?? undefined,
      } satisfies ImportOptions;
      // Fetched with the first import: the engine is there before anybody has a dataset.
      const { readDataset } = await import('../../data/dataset/dataset_import');
      const found = await readDataset(files, options);
      const sample: DatasetRow[] = [];
      for (const row of found.rows.slice(0, SAMPLE_ROWS)) {
        sample.push(rowOf(row, await row.image()));
      }
      signal.throwIfAborted();
      const token = this.#parts.createId();
      this.#preview = { token, found };
      return previewOf(token, found, sample);
    });
  }

  /** See DatasetCommands. */
  async keepDataset(token: string, name: string): Promise<KeptDataset> {
    const preview = this.#preview;
    if (preview?.token !== token) {
      throw new DataError('data/preview', 'These files are no longer held: choose them again.');
    }
    const { found } = preview;
    if (found.rows.length === 0) {
      throw new DataError('data/dataset-empty', 'No row can be used: nothing to keep.');
    }
    const { createId, date } = this.#parts;
    const dataset = { id: createId(), name: checkedName(name), createdAt: date() };
    const datasets = await this.#parts.datasets();
    const problems: DatasetProblem[] = [];
    const kept = await this.#importing((signal) =>
      datasets.create(dataset, this.#decodedRows(found, problems, signal)),
    );
    if (kept.rows === 0) {
      await datasets.delete(kept.id);
      throw new DataError('data/dataset-empty', `No picture can be decoded: ${problems[0]?.reason}`);
    }
    if (this.#preview === preview) this.#preview = undefined;
    this.#parts.changed();
    return { dataset: summaryOf(kept), problems };
  }

  /** See DatasetCommands. */
  async cancelImport(): Promise<void> {
    this.#reading?.abort(new DataError('data/cancelled', 'The import was cancelled.'));
  }

  /** Runs one import at a time: a new one ends that before it. */
  async #importing<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#reading?.abort(new DataError('data/cancelled', 'Another import took its place.'));
    const reading = new AbortController();
    this.#reading = reading;
    try {
      return await run(reading.signal);
    } finally {
      if (this.#reading === reading) this.#reading = undefined;
    }
  }

  /** See DatasetCommands. */
  async checkDatasetWords(id: string): Promise<DatasetWords> {
    this.#checking?.abort(new DataError('data/cancelled', 'Another dataset is looked at instead.'));
    const checking = new AbortController();
    this.#checking = checking;
    const unknown = this.#unknownWords();
    if (unknown === undefined) {
      throw new LookBackError('data/model', 'Which words are unknown depends on the model: load one first.');
    }
    const { name, rows } = await (await this.#parts.datasets()).get(id);
    if (unknown === null) return { warnings: [], more: 0, looked: rows, rows };
    const looked = Math.min(rows, MAX_WORD_ROWS);
    const spread = this.#spreadRows(id, { name, rows, looked }, checking.signal);
    return { ...(await warnOfUnknownWords(name, spread, unknown, MAX_WORD_WARNINGS)), looked, rows };
  }

  /** Rows spread evenly over a stored set, numbered from 1. */
  async *#spreadRows(
    id: string,
    { name, rows, looked }: { readonly name: string; readonly rows: number; readonly looked: number },
    signal: AbortSignal,
  ): AsyncGenerator<WordedRow> {
    const datasets = await this.#parts.datasets();
    for (let i = 0; i < looked; i++) {
      signal.throwIfAborted();
      const index = Math.floor((i * rows) / looked);
      const { question, answer, response } = await datasets.readRow(id, index);
      yield { file: name, row: index + 1, question, answer, response };
    }
  }

  /** Finds unknown words of the loaded model; null where it knows all, undefined while there is no model. */
  #unknownWords(): FindUnknownWords | null | undefined {
    const tokenizer = this.#parts.engine.loaded?.model.processor.tokenizer;
    if (tokenizer === undefined || knowsEveryWord(tokenizer)) return tokenizer && null;
    return (text) => unknownWords(tokenizer, text);
  }

  /** Reports progress, no more often than a person can see. */
  #progress(): (progress: ImportProgress) => void {
    let last = Number.NEGATIVE_INFINITY;
    return (progress) => {
      const now = this.#parts.date();
      if (now - last < PROGRESS_MS && progress.done < progress.total) return;
      last = now;
      this.#parts.progressed(progress);
    };
  }

  /** Rows to store. Each picture is decoded once, so that none ends a run later; a broken one is left out and listed. */
  async *#decodedRows(
    { rows }: ImportedDataset,
    problems: DatasetProblem[],
    signal: AbortSignal,
  ): AsyncGenerator<StoredRow> {
    const progress = this.#progress();
    for (const [at, row] of rows.entries()) {
      signal.throwIfAborted();
      progress({ phase: 'storing', done: at, total: rows.length });
      let image: Blob;
      try {
        image = await row.image();
        await this.#parts.decodeImage(image);
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
        problems.push({ file: row.file, row: row.row, reason: `image "${row.imageName}": ${error.message}` });
        continue;
      }
      yield rowOf(row, image);
    }
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
    const { prompt, imageTokens, pictures } = model.prepare({
      image: pixels,
      text: row.question,
      system: row.system,
      mode,
    });
    const { resizedWidth, resizedHeight } = itemAt(pictures, 0);
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
      const { image, imageName: _, ...texts } = await datasets.readRow(id, position);
      return { ...texts, image: (await this.#parts.decodeImage(image)).pixels };
    };
    return { count, read };
  }

  /** Rows of a dataset. @throws StorageError `storage/missing` */
  async rowCount(id: string): Promise<number> {
    return (await (await this.#parts.datasets()).get(id)).rows;
  }

  /** A row as it is stored, its picture encoded. @throws StorageError `storage/missing` */
  async storedRow(id: string, position: number): Promise<StoredRow> {
    return (await this.#parts.datasets()).readRow(id, position);
  }

  /** The encoded picture of a row. @throws StorageError `storage/missing` */
  async picture(id: string, position: number): Promise<Blob> {
    return (await this.storedRow(id, position)).image;
  }

  /** Keeps rows that were made here, under a name that a person gave. */
  async keepRows(
    name: string,
    rows: AsyncIterable<StoredRow>,
    origin: DatasetOrigin,
  ): Promise<DatasetSummary> {
    const { createId, date } = this.#parts;
    const dataset = { id: createId(), name: checkedName(name), createdAt: date(), origin };
    const kept = await (await this.#parts.datasets()).create(dataset, rows);
    this.#parts.changed();
    return summaryOf(kept);
  }
}

/** A row that was read, as it is kept. */
function rowOf(row: ImportedRow, image: Blob): DatasetRow {
  const { imageName, question, answer, response, system, columns } = row;
  return { image, imageName, question, answer, response, system, columns };
}

function previewOf(token: string, found: ImportedDataset, sample: readonly DatasetRow[]): DatasetPreview {
  const { columns, mapping, rows, problems, moreProblems, warnings, moreWarnings, tables, choice } = found;
  const withResponse = rows.filter(({ response }) => response !== null).length;
  return {
    ...{ token, columns, mapping, rows: rows.length, withResponse, problems, moreProblems },
    ...{ warnings, moreWarnings, splits: tables.length > 1 ? tables : [], split: choice, sample },
  };
}

function summaryOf({
  id,
  name,
  rows,
  withResponse,
  bytes,
  createdAt,
  origin,
}: DatasetSummary): DatasetSummary {
  return { id, name, rows, withResponse, bytes, createdAt, ...(origin === undefined ? {} : { origin }) };
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
