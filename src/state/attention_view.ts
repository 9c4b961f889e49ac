// Computes what the recorded attention of some steps says: mean shares, mean map, the region in words, and the
// sentence. Chart, heatmap and text all read these numbers, so that they cannot disagree. A range is the plain mean
// of its recorded steps; nothing is smoothed, weighted or rescaled.

import type { SegmentKind } from '../answer/answer_grammar';
import type { AttentionShares, PromptFact } from '../worker/protocol/answers';
import { type Card, cardOfStep, type StepRange } from './segment_layout';
import type { Answer, Step } from './session';

/** Mean shares of the recorded steps in `range`, or null when none is recorded. */
export function meanShares(steps: readonly Step[], range: StepRange): AttentionShares | null {
  let image = 0;
  let query = 0;
  let generated = 0;
  let count = 0;
  for (let i = range.from; i <= range.to; i++) {
    const shares = steps[i]?.shares;
    if (!shares) continue;
    image += shares.image;
    query += shares.query;
    generated += shares.generated;
    count += 1;
  }
  if (count === 0) return null;
  return { image: image / count, query: query / count, generated: generated / count };
}

/** Mean map of the recorded steps in `range`, row-major on the patch grid, or null when none is recorded. */
export function meanMap(steps: readonly Step[], range: StepRange): Float32Array | null {
  let sum: Float64Array | null = null;
  let count = 0;
  for (let i = range.from; i <= range.to; i++) {
    const map = steps[i]?.map;
    if (!map) continue;
    if (sum === null) sum = new Float64Array(map.length);
    if (map.length !== sum.length) continue;
    for (let cell = 0; cell < map.length; cell++) sum[cell] = (sum[cell] ?? 0) + (map[cell] ?? 0);
    count += 1;
  }
  return sum === null ? null : Float32Array.from(sum, (value) => value / count);
}

const NICE = [1, 2, 2.5, 5, 10];

/**
 * The top of the heatmap's fixed scale for a grid of `cells`: twice the mass that an even spread of all attention
 * would give one cell, rounded up to a round number. It depends on the grid alone, so steps and answers compare.
 */
export function scaleTop(cells: number): number {
  const wanted = 2 / Math.max(cells, 2);
  const unit = 10 ** Math.floor(Math.log10(wanted));
  const nice = NICE.find((step) => step * unit >= wanted * (1 - 1e-9)) ?? 10;
  return Number((nice * unit).toPrecision(3));
}

/** Largest value of a map; 0 for an empty one. */
export function peak(map: Float32Array): number {
  let top = 0;
  for (const value of map) top = Math.max(top, value);
  return top;
}

/** Overlap of two intervals. */
function overlap(a0: number, a1: number, b0: number, b1: number): number {
  return Math.max(0, Math.min(a1, b1) - Math.max(a0, b0));
}

/** For each of `count` cells of an axis, the fractions of it that lie in the axis's three thirds. */
function thirds(count: number): [number, number, number][] {
  return Array.from({ length: count }, (_, i) => {
    const cell: [number, number, number] = [0, 0, 0];
    for (let third = 0; third < 3; third++) {
      cell[third] = overlap(i / count, (i + 1) / count, third / 3, (third + 1) / 3) * count;
    }
    return cell;
  });
}

/**
 * Share of a map's mass in each ninth of what the model sees, row-major; a cell's mass is divided by area. All zero for an
 * empty map.
 */
export function ninthsOf(map: Float32Array, grid: readonly [number, number]): readonly number[] {
  const [rows, columns] = grid;
  const vertical = thirds(rows);
  const horizontal = thirds(columns);
  const ninths = new Array<number>(9).fill(0);
  let total = 0;
  for (let cell = 0; cell < map.length; cell++) {
    const value = map[cell] ?? 0;
    const v = vertical[Math.floor(cell / columns)] ?? [0, 0, 0];
    const h = horizontal[cell % columns] ?? [0, 0, 0];
    total += value;
    for (let i = 0; i < 9; i++) {
      ninths[i] = (ninths[i] ?? 0) + value * (v[Math.floor(i / 3)] ?? 0) * (h[i % 3] ?? 0);
    }
  }
  return total <= 0 ? ninths : ninths.map((value) => value / total);
}

/** Names of the ninths, in raster order. */
export const NINTH_NAMES = [
  'upper left',
  'top centre',
  'upper right',
  'centre left',
  'centre',
  'centre right',
  'lower left',
  'bottom centre',
  'lower right',
] as const;
const ROW_NAMES = ['the top', 'the middle row', 'the bottom'] as const;
const COLUMN_NAMES = ['the left', 'the middle column', 'the right'] as const;
/** A region is named when it holds this much of the mass on the image, and `mostly` from half. */
const NAMED = 0.3;
const MOSTLY = 0.5;
const ROW_OR_COLUMN = 0.6;

function largest(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value > (values[best] ?? 0) ? i : best), 0);
}

/** Where on the picture a map lies, in words: `mostly upper left`, `mostly along the top`, `spread over the picture`. */
export function regionWords(map: Float32Array, grid: readonly [number, number]): string {
  const ninths = ninthsOf(map, grid);
  if (ninths.reduce((a, b) => a + b, 0) <= 0) return 'nowhere on the picture';
  const best = largest(ninths);
  const top = ninths[best] ?? 0;
  if (top >= MOSTLY) return `mostly ${NINTH_NAMES[best]}`;
  const rows = [0, 1, 2].map((r) => [0, 1, 2].reduce((sum, c) => sum + (ninths[3 * r + c] ?? 0), 0));
  const columns = [0, 1, 2].map((c) => [0, 1, 2].reduce((sum, r) => sum + (ninths[3 * r + c] ?? 0), 0));
  const row = largest(rows);
  const column = largest(columns);
  if ((rows[row] ?? 0) >= ROW_OR_COLUMN && (rows[row] ?? 0) >= (columns[column] ?? 0)) {
    return `mostly along ${ROW_NAMES[row]}`;
  }
  if ((columns[column] ?? 0) >= ROW_OR_COLUMN) return `mostly along ${COLUMN_NAMES[column]}`;
  if (top >= NAMED) return `most of it ${NINTH_NAMES[best]}`;
  return 'spread over the picture';
}

/** `41 %`; one decimal below one per cent. */
export function percent(share: number): string {
  const value = share * 100;
  return `${value > 0 && value < 0.95 ? value.toFixed(1) : Math.round(value)} %`;
}

const PLACES: Record<SegmentKind, string> = {
  think: 'inside think',
  back: 'inside back',
  answer: 'in the answer',
  text: 'outside any tag',
};

/** Everything the views show of the selected steps. */
export interface Readout {
  readonly range: StepRange;
  readonly kind: SegmentKind | null;
  readonly shares: AttentionShares;
  /** Null when only shares were recorded. */
  readonly map: Float32Array | null;
  /** The text twin of chart and heatmap. Steps count from 1, as people count. */
  readonly sentence: string;
}

function place(cards: readonly Card[], range: StepRange): SegmentKind | null {
  const first = cardOfStep(cards, range.from);
  return first >= 0 && first === cardOfStep(cards, range.to) ? (cards[first]?.kind ?? null) : null;
}

/** The part of a map that lies on each picture. */
export function mapsOf(map: Float32Array, pictures: PromptFact['pictures']): Float32Array[] {
  let at = 0;
  return pictures.map(({ grid: [rows, columns] }) => {
    at += rows * columns;
    return map.subarray(at - rows * columns, at);
  });
}

/** Where a map lies, in words; of several pictures first how much of it is on each. */
function places(map: Float32Array, pictures: PromptFact['pictures']): string {
  const maps = mapsOf(map, pictures);
  const masses = maps.map((each) => each.reduce((sum, value) => sum + value, 0));
  const total = masses.reduce((a, b) => a + b, 0);
  const words = maps.map((each, at) => {
    const where = regionWords(each, pictures[at]?.grid ?? [1, 1]);
    if (maps.length === 1 || total <= 0) return where;
    return `${percent((masses[at] ?? 0) / total)} of it on image ${at + 1} (${where})`;
  });
  return total <= 0 ? (words[0] ?? '') : words.join(', ');
}

/** Attention in a part of the model. */
export interface Attended {
  readonly shares: AttentionShares;
  readonly map: Float32Array;
  /** The part in words, e.g. `layer 2, head 5`. */
  readonly part: string;
}

/**
 * Makes the readout of some steps; null when none of them has recorded attention.
 * @param own the attention to show in place of the recorded one
 */
export function readoutOf(
  answer: Answer,
  cards: readonly Card[],
  range: StepRange,
  own: Attended | null = null,
): Readout | null {
  const shares = own?.shares ?? meanShares(answer.steps, range);
  if (shares === null) return null;
  const map = own?.map ?? meanMap(answer.steps, range);
  const kind = place(cards, range);
  const single = range.from === range.to;
  const token = single ? answer.steps[range.from]?.text.trim() : '';
  const subject = single
    ? `Step ${range.from + 1}${token ? ` “${token}”` : ''}`
    : `Steps ${range.from + 1} to ${range.to + 1}`;
  const where = `${kind === null ? '' : `, ${PLACES[kind]}`}${own === null ? '' : `, ${own.part}`}`;
  const images = (answer.prompt?.pictures.length ?? 1) > 1 ? 'the images' : 'the image';
  const amount = `${single ? '' : 'on average '}${percent(shares.image)} on ${images}`;
  const region = map === null || answer.prompt === null ? '' : `, ${places(map, answer.prompt.pictures)}`;
  return { range, kind, shares, map, sentence: `${subject}${where}: ${amount}${region}.` };
}
