// Holds a region of a picture that somebody chose, and finds the tokens of the answer that attended to it most: the way back
// from the heatmap, which shows where one token attended.

import { computed, type ReadonlySignal, signal } from '@preact/signals';
import { mapsOf, percent } from './attention_view';
import type { Answer, Session } from './session';

/** Tokens that are named. */
export const MOST_ATTENDING = 10;
/** Rows up to which a cell is called by a letter and a number, as the model's own words do. */
const LETTERS = 26;

/** Row and column of a cell, from 0. */
export type Cell = readonly [row: number, column: number];

/** Cells of one picture in a rectangle. */
export interface Region {
  /** Number of the answer that it is about. */
  readonly answer: number;
  /** Place of the picture. */
  readonly picture: number;
  /** Where choosing began, and where it ends now; both belong to it. */
  readonly anchor: Cell;
  readonly head: Cell;
}

/** A token and its attention on a region: the part of all its attention. */
export interface Attending {
  readonly step: number;
  readonly text: string;
  readonly mass: number;
}

/** The region and what attended to it. */
export interface LookRegion {
  /** Null where none is chosen, and for another answer than it was chosen for. */
  readonly region: ReadonlySignal<Region | null>;
  /** The tokens that attended to it most, the first the most. */
  readonly attending: ReadonlySignal<readonly Attending[]>;
  /** The region and its first tokens in words; empty without one. */
  readonly regionSentence: ReadonlySignal<string>;
  /** Chooses the cells between two corners. */
  chooseRegion(picture: number, anchor: Cell, head: Cell): void;
  /** Moves the cell cursor by rows and columns; `extend` leaves the other corner where it is. */
  moveRegion(picture: number, by: Cell, extend: boolean): void;
  clearRegion(): void;
}

function gridOf(answer: Answer | null, picture: number): Cell | null {
  const grid = answer?.prompt?.pictures[picture]?.grid;
  return grid === undefined ? null : [grid[0], grid[1]];
}

/** First and last row and column of a region. */
export function edgesOf({ anchor, head }: Pick<Region, 'anchor' | 'head'>) {
  const [rows, columns] = [0, 1].map((axis) => {
    const ends = [anchor[axis] ?? 0, head[axis] ?? 0];
    return { from: Math.min(...ends), to: Math.max(...ends) };
  }) as [{ from: number; to: number }, { from: number; to: number }];
  return { rows, columns };
}

/** The part of a picture's map that lies in a region. */
export function massIn(map: Float32Array, [, width]: Cell, region: Pick<Region, 'anchor' | 'head'>): number {
  const { rows, columns } = edgesOf(region);
  let sum = 0;
  for (let row = rows.from; row <= rows.to; row++) {
    for (let column = columns.from; column <= columns.to; column++) sum += map[row * width + column] ?? 0;
  }
  return sum;
}

/** Tokens by their attention on a region, the most first; those without any are left out. */
export function attendingTo(answer: Answer, region: Region): Attending[] {
  const pictures = answer.prompt?.pictures ?? [];
  const grid = gridOf(answer, region.picture);
  if (grid === null) return [];
  const all = answer.steps.map(({ map, text }, step) => {
    const own = map === null ? undefined : mapsOf(map, pictures)[region.picture];
    return { step, text: text.trim(), mass: own === undefined ? 0 : massIn(own, grid, region) };
  });
  return all
    .filter(({ mass }) => mass > 0)
    .sort((a, b) => b.mass - a.mass || a.step - b.step)
    .slice(0, MOST_ATTENDING);
}

/** `b3`, or `row 30, column 3` where letters do not suffice. */
function cellName([row, column]: Cell, rows: number): string {
  return rows <= LETTERS
    ? `${String.fromCharCode(97 + row)}${column + 1}`
    : `row ${row + 1}, column ${column + 1}`;
}

function sentenceOf(answer: Answer, region: Region, found: readonly Attending[]): string {
  const [height = 1] = gridOf(answer, region.picture) ?? [];
  const { rows, columns } = edgesOf(region);
  const first = cellName([rows.from, columns.from], height);
  const last = cellName([rows.to, columns.to], height);
  const where = first === last ? `Cell ${first}` : `Cells ${first} to ${last}`;
  const several = (answer.prompt?.pictures.length ?? 1) > 1 ? ` of image ${region.picture + 1}` : '';
  const tokens = found
    .slice(0, 3)
    .map(({ text, step, mass }) => `“${text}” (step ${step + 1}, ${percent(mass)})`);
  return `${where}${several}: ${tokens.length === 0 ? 'no token attended to it' : `most attended by ${tokens.join(', ')}`}.`;
}

function clamp(value: number, count: number): number {
  return Math.min(Math.max(value, 0), count - 1);
}

/** No region at first. */
export function createLookRegion(session: ReadonlySignal<Session>): LookRegion {
  const chosen = signal<Region | null>(null);
  const answer = computed(() => session.value.answer);
  const region = computed(() => (chosen.value?.answer === answer.value?.number ? chosen.value : null));
  const attending = computed(() =>
    answer.value === null || region.value === null ? [] : attendingTo(answer.value, region.value),
  );
  const choose = (picture: number, anchor: Cell, head: Cell): void => {
    const grid = gridOf(answer.value, picture);
    if (grid === null || answer.value === null) return;
    const within = ([row, column]: Cell): Cell => [clamp(row, grid[0]), clamp(column, grid[1])];
    chosen.value = { answer: answer.value.number, picture, anchor: within(anchor), head: within(head) };
  };
  return {
    region,
    attending,
    regionSentence: computed(() =>
      answer.value === null || region.value === null
        ? ''
        : sentenceOf(answer.value, region.value, attending.value),
    ),
    chooseRegion: choose,
    moveRegion: (picture, [down, right], extend) => {
      const before = region.value?.picture === picture ? region.value : null;
      if (before === null) {
        choose(picture, [0, 0], [0, 0]);
        return;
      }
      const head: Cell = [before.head[0] + down, before.head[1] + right];
      choose(picture, extend ? before.anchor : head, head);
    },
    clearRegion: () => {
      chosen.value = null;
    },
  };
}
