// Judges a data set on disk as the page's import does, for `check-data`: columns, usable rows, problems, warnings, and
// the first rows as a model would see them. Every picture is decoded; nothing is asked, so no graphics device is needed.

import type { ImportColumns } from '../src/data/dataset/dataset_columns';
import { extensionOf } from '../src/data/dataset/dataset_files';
import type { ImportedDataset, ImportedRow } from '../src/data/dataset/dataset_import';
import type { TableChoice } from '../src/data/dataset/import_options';
import type { ImportProblem } from '../src/data/dataset/import_problems';
import type { ImportWarning } from '../src/data/dataset/row_warnings';
import { unknownWords } from '../src/data/text/unknown_words';
import { LookBackError } from '../src/lib/errors';
import { itemAt } from '../src/lib/invariant';
import type { PlainColumns } from '../src/lib/plain_json';
import { loadPromptMaker, type PromptMaker } from '../src/lookback/question_prompt';
import type { ReasoningMode } from '../src/settings/reasoning_modes';
import { log } from './command_line';
import { decodeRow } from './dataset_rows';
import { type OpenedPath, readDatasetPath } from './dataset_source';
import { findModel } from './model_source';

/** A row as the model would see it. */
export interface PreviewRow {
  readonly row: number;
  readonly question: string;
  readonly answer: string;
  readonly response: string | null;
  /** What the row has besides. */
  readonly columns: PlainColumns;
  /** The template and the mode's words applied; image tokens shortened to one. */
  readonly prompt: string;
  /** Tokens of the prompt, those of the picture among them. */
  readonly promptTokens: number;
  readonly image: {
    readonly name: string;
    /** Pixels of the file. */
    readonly width: number;
    readonly height: number;
    /** Pixels that the model receives. */
    readonly resizedWidth: number;
    readonly resizedHeight: number;
    /** Image tokens. */
    readonly tokens: number;
  };
}

/** The JSON of `check-data --json`. */
export interface CheckDataReport {
  /** The path as given. */
  readonly path: string;
  /** `folder`, `zip`, or a table's ending without its dot; null where nothing could be opened. */
  readonly format: string | null;
  /** Path of the table within the set; null where there is none. */
  readonly table: string | null;
  /** Which column holds what, each null where there is none; null when nothing could be read. */
  readonly columns: ImportColumns | null;
  /** Rows of the table; those that can be used; the others. */
  readonly rows: { readonly found: number; readonly usable: number; readonly leftOut: number };
  /** What cannot be used; `row` is a line or an item from 1, null for a whole file. */
  readonly problems: readonly ImportProblem[];
  /** Problems beyond those listed. */
  readonly moreProblems: number;
  /** What can be used, but may not be meant. */
  readonly warnings: readonly ImportWarning[];
  /** Warnings beyond those listed. */
  readonly moreWarnings: number;
  /** Splits or tables to choose from; empty for a set with one. */
  readonly splits: readonly TableChoice[];
  /** The split or table that was read; null where nothing was. */
  readonly split: string | null;
  /** The first rows as the model would see them. */
  readonly preview: readonly PreviewRow[];
  readonly model: string;
  readonly mode: ReasoningMode;
}

const PREVIEW_ROWS = 3;
const PROGRESS_MS = 2000;

function formatOf(opened: OpenedPath, path: string): string {
  if (opened.kind === 'folder') return 'folder';
  return extensionOf(path.toLowerCase()).slice(1) || 'file';
}

async function viewRow(row: ImportedRow, maker: PromptMaker, mode: ReasoningMode): Promise<PreviewRow> {
  const pixels = await decodeRow(row);
  const { question, answer, response, columns } = row;
  const made = maker.prepare({ image: pixels, text: question, system: row.system, mode });
  const { imageTokens, pictures } = made;
  const { resizedWidth, resizedHeight } = itemAt(pictures, 0);
  const { inputIds } = made.prompt;
  return {
    ...{ row: row.row, question, answer, response, columns },
    prompt: maker.text(inputIds),
    promptTokens: inputIds.length,
    image: {
      ...{ name: row.imageName, width: pixels.width, height: pixels.height },
      ...{ resizedWidth, resizedHeight, tokens: imageTokens },
    },
  };
}

/** Makes every row ready as a run would: the first ones to show, and a problem for each that a model cannot get. */
async function viewRows(set: ImportedDataset, maker: PromptMaker, mode: ReasoningMode, signal: AbortSignal) {
  const preview: PreviewRow[] = [];
  const problems: ImportProblem[] = [];
  let last = performance.now();
  for (const [at, row] of set.rows.entries()) {
    signal.throwIfAborted();
    try {
      const view = await viewRow(row, maker, mode);
      if (preview.length < PREVIEW_ROWS) preview.push(view);
    } catch (error) {
      if (!(error instanceof LookBackError)) throw error;
      problems.push({ file: row.file, row: row.row, reason: error.message });
    }
    if (performance.now() - last < PROGRESS_MS) continue;
    last = performance.now();
    log(`${at + 1} of ${set.rows.length} rows made ready`);
  }
  return { preview, problems };
}

/** What to check, and for which model and mode the preview is made. */
export interface CheckRequest {
  readonly path: string;
  /** Built-in model or folder; the first built-in where it is undefined. */
  readonly model: string | undefined;
  readonly mode: ReasoningMode;
  /** Name of a split; null for the training one. */
  readonly split: string | null;
}

/** Reads and judges a data set; a set that cannot be read at all is a report with that one problem. */
export async function checkData(request: CheckRequest, signal: AbortSignal): Promise<CheckDataReport> {
  const { path, mode, split } = request;
  const { id: model, files } = await findModel(request.model);
  const maker = await loadPromptMaker(files);
  let read: Awaited<ReturnType<typeof readDatasetPath>>;
  try {
    const unknown = (text: string) => unknownWords(maker.tokenizer, text);
    read = await readDatasetPath(path, { mapping: null, table: split, signal, unknownWords: unknown });
  } catch (error) {
    if (!(error instanceof LookBackError)) throw error;
    return {
      ...{ path, format: null, table: null, columns: null, rows: { found: 0, usable: 0, leftOut: 0 } },
      problems: [{ file: path, row: null, reason: error.message }],
      ...{
        moreProblems: 0,
        warnings: [],
        moreWarnings: 0,
        splits: [],
        split: null,
        preview: [],
        model,
        mode,
      },
    };
  }
  const { opened, set } = read;
  const { preview, problems } = await viewRows(set, maker, mode, signal);
  const usable = set.rows.length - problems.length;
  const notes = opened.notes.map(({ file, reason }) => ({ kind: 'file' as const, file, row: null, reason }));
  return {
    ...{ path, format: formatOf(opened, path), table: set.table, columns: set.mapping },
    rows: { found: set.found, usable, leftOut: set.found - usable },
    problems: [...set.problems, ...problems],
    moreProblems: set.moreProblems,
    warnings: [...notes, ...set.warnings],
    ...{ moreWarnings: set.moreWarnings, splits: set.tables.length > 1 ? set.tables : [], split: set.choice },
    ...{ preview, model, mode },
  };
}
