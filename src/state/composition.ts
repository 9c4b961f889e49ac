// A sheet that somebody draws: shapes placed on the grid's cells, and free strokes over them, with undo. Pure state over
// signals; how it looks is the sheet's own drawing (data/world/sheet.ts) and the composer's canvas.

import { batch, computed, type ReadonlySignal, signal } from '@preact/signals';
import { CELL_NAMES, GRID_SIDE } from '../data/world/grid';
import { COLOURS, type Colour, SHAPES, type Shape } from '../data/world/world_words';
import type { KnownPicture } from './look_picture';

/** A shape in a cell. */
export interface Placed {
  readonly shape: Shape;
  readonly colour: Colour;
}

/** A line that was painted; points and width are fractions of the picture's side. */
export interface Stroke {
  readonly colour: Colour;
  readonly width: number;
  readonly points: readonly (readonly [number, number])[];
}

/** What has been drawn: one entry a cell in raster order, strokes in the order in which they were painted. */
export interface Composition {
  readonly cells: readonly (Placed | null)[];
  readonly strokes: readonly Stroke[];
}

/** What a press on the picture does. */
export type Tool = 'place' | 'paint' | 'erase';

const EMPTY: Composition = { cells: CELL_NAMES.map(() => null), strokes: [] };
const MAX_UNDO = 200;
const MAX_POINTS = 4000;
/** Width of a stroke at first, as a fraction of the picture's side. */
const BRUSH = 0.05;

/** The composer's state and commands. */
export class Composer {
  readonly #now = signal<Composition>(EMPTY);
  readonly #past = signal<readonly Composition[]>([]);
  readonly #future = signal<readonly Composition[]>([]);
  readonly #open = signal<Stroke | null>(null);

  readonly tool = signal<Tool>('place');
  readonly shape = signal<Shape>(SHAPES[0]);
  readonly colour = signal<Colour>(COLOURS[0]);
  readonly brush = signal(BRUSH);
  /** The cell that has the keyboard's focus. */
  readonly cell = signal(0);

  /** What is drawn, the stroke in progress included. */
  readonly composition: ReadonlySignal<Composition> = computed(() => {
    const open = this.#open.value;
    const { cells, strokes } = this.#now.value;
    return open === null ? this.#now.value : { cells, strokes: [...strokes, open] };
  });
  readonly empty = computed(
    () =>
      this.composition.value.cells.every((cell) => cell === null) &&
      this.composition.value.strokes.length === 0,
  );
  readonly canUndo = computed(() => this.#past.value.length > 0);
  readonly canRedo = computed(() => this.#future.value.length > 0);

  /** Puts the chosen shape into a cell, or takes the same one out of it; the eraser empties the cell. */
  press(cell: number): void {
    const { cells, strokes } = this.#now.value;
    const there = cells[cell] ?? null;
    const chosen: Placed = { shape: this.shape.value, colour: this.colour.value };
    const same = there !== null && there.shape === chosen.shape && there.colour === chosen.colour;
    const next = this.tool.value === 'erase' || same ? null : chosen;
    this.cell.value = cell;
    if (next === null && there === null) return;
    this.#change({ cells: cells.map((old, i) => (i === cell ? next : old)), strokes });
  }

  /** Empties a cell. */
  clearCell(cell: number): void {
    const { cells, strokes } = this.#now.value;
    if (cells[cell] === null) return;
    this.#change({ cells: cells.map((old, i) => (i === cell ? null : old)), strokes });
  }

  /** Moves the focus by columns and rows, and stops at the edges. */
  move(columns: number, rows: number): void {
    const within = (value: number): number => Math.max(0, Math.min(GRID_SIDE - 1, value));
    const column = within((this.cell.value % GRID_SIDE) + columns);
    const row = within(Math.floor(this.cell.value / GRID_SIDE) + rows);
    this.cell.value = row * GRID_SIDE + column;
  }

  /** Begins a stroke at a point in fractions of the side. */
  beginStroke(x: number, y: number): void {
    this.#open.value = { colour: this.colour.value, width: this.brush.value, points: [[x, y]] };
  }

  /** Goes on with the stroke in progress. */
  extendStroke(x: number, y: number): void {
    const open = this.#open.value;
    if (open === null || open.points.length >= MAX_POINTS) return;
    this.#open.value = { ...open, points: [...open.points, [x, y]] };
  }

  /** Ends the stroke in progress. */
  endStroke(): void {
    const open = this.#open.value;
    if (open === null) return;
    const { cells, strokes } = this.#now.value;
    batch(() => {
      this.#open.value = null;
      this.#change({ cells, strokes: [...strokes, open] });
    });
  }

  /** Takes all strokes that pass within reach of a point away. */
  eraseStrokesAt(x: number, y: number): void {
    const { cells, strokes } = this.#now.value;
    const far = (stroke: Stroke): boolean =>
      stroke.points.every(([px, py]) => Math.hypot(px - x, py - y) > stroke.width / 2 + 0.02);
    const kept = strokes.filter(far);
    if (kept.length < strokes.length) this.#change({ cells, strokes: kept });
  }

  /** Empties the sheet; can be undone. */
  clear(): void {
    if (!this.empty.value) this.#change(EMPTY);
  }

  /** Takes the last change back. */
  undo(): void {
    const before = this.#past.value.at(-1);
    if (before === undefined) return;
    batch(() => {
      this.#future.value = [...this.#future.value, this.#now.value];
      this.#past.value = this.#past.value.slice(0, -1);
      this.#now.value = before;
    });
  }

  /** Makes the change again that was taken back last. */
  redo(): void {
    const after = this.#future.value.at(-1);
    if (after === undefined) return;
    batch(() => {
      this.#past.value = [...this.#past.value, this.#now.value];
      this.#future.value = this.#future.value.slice(0, -1);
      this.#now.value = after;
    });
  }

  #change(next: Composition): void {
    batch(() => {
      this.#past.value = [...this.#past.value, this.#now.value].slice(-MAX_UNDO);
      this.#future.value = [];
      this.#now.value = next;
    });
  }
}

/** What a cell holds in words: `red circle`, or null for an empty one. */
export function placedName(placed: Placed | null): string | null {
  return placed === null ? null : `${placed.colour} ${placed.shape}`;
}

/**
 * What is known of a drawn sheet: what was placed, and questions about the commonest colour, the commonest shape and the
 * commonest pair with their answers. Strokes may have changed what there is: with them, no answer is known, and no
 * question where nothing was placed.
 */
export function knowledgeOf({ cells, strokes }: Composition): KnownPicture {
  const placed = cells.filter((cell) => cell !== null);
  const known = strokes.length === 0;
  const facts = known ? ({ kind: 'sheet', cells } as const) : null;
  if (placed.length === 0) return { questions: [], facts };
  const names = [
    commonest(placed.map(({ colour }) => `${colour} objects`)),
    commonest(placed.map(({ shape }) => `${shape}s`)),
    commonest(placed.map(({ colour, shape }) => `${colour} ${shape}s`)),
  ];
  const questions = names.map(({ name, count }) => ({
    text: `How many ${name}?`,
    answer: known ? String(count) : null,
  }));
  return { questions, facts };
}

function commonest(names: readonly string[]): { name: string; count: number } {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, count })).reduce((a, b) => (b.count > a.count ? b : a));
}
