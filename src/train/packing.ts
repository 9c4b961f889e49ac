// Packs prompts and their completions for training: [prompt without its last token][last token, completion 1]… The
// prefix is there once per prompt however many completions share it; each completion sees the prefix and itself. The
// last prompt token is repeated per completion, so that every supervised row is a row of its own. Log-probabilities
// and gradients equal those of the unpacked sequences.

import { ArgumentError } from '../lib/errors';
import { itemAt } from '../lib/invariant';
import type { PromptInput } from '../model/prompt_packing';
import { promptPositions, textRopeTables } from '../model/rope_index';
import { featureRows, type ModelSpec } from '../model/spec';
import type { HostArray } from '../tensor/program';

/** A prompt with the completions to score; one for SFT, G for GRPO. */
export interface CompletionGroup {
  readonly prompt: PromptInput;
  /** Token ids, end-of-sequence included where the completion ended; none empty. */
  readonly completions: readonly (readonly number[])[];
}

/** Packed groups, before padding. */
export interface PackedCompletions {
  readonly tokens: number;
  /** Supervised tokens, in the order of the sequences. */
  readonly rows: number;
  /**
   * Inputs of the training program for `paddedTokens` and `paddedRows`.
   * @throws ArgumentError when they are too small
   */
  inputs(paddedTokens: number, paddedRows: number): Record<string, HostArray>;
}

interface Row {
  readonly id: number;
  readonly imageRow: number;
  readonly position: readonly [number, number, number];
  readonly range: readonly [number, number, number, number];
}

/**
 * @throws ArgumentError for a group without completions or an empty completion
 */
export function packCompletions(groups: readonly CompletionGroup[], config: ModelSpec): PackedCompletions {
  const rows: Row[] = [];
  const supervised: number[] = [];
  const labels: number[] = [];
  let feature = 0;
  for (const [index, group] of groups.entries()) {
    checkGroup(group, index);
    const prompt = promptRows(group.prompt, config, feature);
    feature += prompt.imageTokens;
    const begin = rows.length;
    const last = prompt.rows.length - 1;
    prompt.rows.slice(0, last).forEach((row) => {
      rows.push({ ...row, range: [0, 0, begin, rows.length + 1] });
    });
    const end = rows.length;
    for (const completion of group.completions) {
      const start = rows.length;
      completion.forEach((label, at) => {
        const range = [begin, end, start, rows.length + 1] as const;
        const source = itemAt(prompt.rows, last);
        const next = prompt.next + at - 1;
        if (at === 0) rows.push({ ...source, range });
        else rows.push({ id: itemAt(completion, at - 1), imageRow: -1, position: [next, next, next], range });
        supervised.push(rows.length - 1);
        labels.push(label);
      });
    }
  }
  return {
    tokens: rows.length,
    rows: supervised.length,
    inputs: (tokens, count) => writeInputs(rows, supervised, labels, tokens, count, config),
  };
}

/** A sequence, images included, with a label per token: IGNORED_LABEL, or the id that the row before predicts. */
export interface LabelledSequence {
  readonly prompt: PromptInput;
  readonly labels: readonly number[];
}

/**
 * Packs whole sequences whose supervised tokens may lie anywhere, also before an image.
 * @throws ArgumentError where labels and tokens differ in number
 */
export function packLabelled(sequences: readonly LabelledSequence[], config: ModelSpec): PackedCompletions {
  const rows: Row[] = [];
  const supervised: number[] = [];
  const targets: number[] = [];
  let feature = 0;
  for (const [index, { prompt, labels }] of sequences.entries()) {
    const { length } = prompt.inputIds;
    if (labels.length !== length)
      throw new ArgumentError(`Sequence ${index} has ${labels.length} labels for ${length} tokens.`);
    const parts = promptRows(prompt, config, feature);
    feature += parts.imageTokens;
    const begin = rows.length;
    for (const row of parts.rows) rows.push({ ...row, range: [0, 0, begin, rows.length + 1] });
    labels.forEach((label, at) => {
      if (at === 0 || label < 0) return;
      supervised.push(begin + at - 1);
      targets.push(label);
    });
  }
  return {
    tokens: rows.length,
    rows: supervised.length,
    inputs: (tokens, count) => writeInputs(rows, supervised, targets, tokens, count, config),
  };
}

function checkGroup({ prompt, completions }: CompletionGroup, index: number): void {
  if (prompt.inputIds.length === 0) throw new ArgumentError(`Group ${index} has an empty prompt.`);
  if (completions.length === 0 || completions.some(({ length }) => length === 0)) {
    throw new ArgumentError(`Group ${index} has no completion, or an empty one.`);
  }
}

/** Rows of a prompt, the position after it, and its image tokens. */
function promptRows({ inputIds, images }: PromptInput, config: ModelSpec, feature: number) {
  const grids = images.map(({ gridThw }) => gridThw);
  const { positionIds, delta } = promptPositions(inputIds, grids, config);
  const count = inputIds.length;
  let imageTokens = 0;
  const rows = inputIds.map((id, index) => {
    const at = (stream: number): number => itemAt(positionIds, stream * count + index);
    const imageRow =
      id === config.imageTokenId ? (feature + imageTokens++) * featureRows(config.connector) : -1;
    return { id, imageRow, position: [at(0), at(1), at(2)] as const };
  });
  return { rows, imageTokens, next: count + delta };
}

function writeInputs(
  rows: readonly Row[],
  supervised: readonly number[],
  labels: readonly number[],
  tokens: number,
  count: number,
  config: ModelSpec,
): Record<string, HostArray> {
  if (rows.length > tokens || supervised.length > count) {
    throw new ArgumentError(
      `${rows.length} tokens and ${supervised.length} rows do not fit ${tokens} and ${count}.`,
    );
  }
  const positions = new Int32Array(3 * tokens);
  const ids = new Uint32Array(tokens);
  const imageRows = new Int32Array(tokens).fill(-1);
  const ranges = new Uint32Array(4 * tokens);
  rows.forEach((row, index) => {
    ids[index] = row.id;
    imageRows[index] = row.imageRow;
    ranges.set(row.range, 4 * index);
    row.position.forEach((position, stream) => {
      positions[stream * tokens + index] = position;
    });
  });
  const { cos, sin } = textRopeTables(positions, config.text);
  const index = new Uint32Array(count).fill(NO_ROW);
  index.set(supervised);
  const padded = new Int32Array(count).fill(IGNORED_LABEL);
  padded.set(labels);
  return {
    ids,
    image_rows: imageRows,
    cos,
    sin,
    rotary_rows: Uint32Array.from({ length: tokens }, (_, row) => row),
    ranges,
    rows: index,
    labels: padded,
  };
}

/** Row index of padding: gathers zeros, scatters nothing. */
const NO_ROW = 0xffffffff;

/** Label of padding, as in Hugging Face. */
export const IGNORED_LABEL = -100;
