// Names the cells of a picture: a 4×4 grid on 64×64 pixels, rows a to d from the top, columns 1 to 4 from the left.

/** Cells per side. */
export const GRID_SIDE = 4;
/** Pixels per side of the square picture that the model receives. */
export const IMAGE_SIDE = 64;
/** Pixels per side of a cell. */
export const CELL_SIDE = IMAGE_SIDE / GRID_SIDE;
/** Names of the rows. */
export const ROW_NAMES = ['a', 'b', 'c', 'd'] as const;
/** Names of the columns. */
export const COLUMN_NAMES = ['1', '2', '3', '4'] as const;
/** Names of the cells in raster order. */
export const CELL_NAMES: readonly string[] = ROW_NAMES.flatMap((row) =>
  COLUMN_NAMES.map((column) => row + column),
);

/** A row or a column. */
export interface Line {
  readonly axis: 'row' | 'column';
  /** 0 is the top row or the left column. */
  readonly index: number;
}

/** The name that follows `row` or `column`. */
export function lineName({ axis, index }: Line): string {
  return (axis === 'row' ? ROW_NAMES : COLUMN_NAMES)[index] as string;
}

/** Cells of a line, as indices into {@link CELL_NAMES}. */
export function lineCells({ axis, index }: Line): number[] {
  return COLUMN_NAMES.map((_, i) => (axis === 'row' ? index * GRID_SIDE + i : i * GRID_SIDE + index));
}
