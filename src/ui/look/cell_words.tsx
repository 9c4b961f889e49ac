// Draws the colour words of the cells that pocket sees over the picture, each in its cell, as a table that can be read out.

import { COLUMN_NAMES, GRID_SIDE, ROW_NAMES } from '../../data/world/grid';
import type { SeenCells } from '../../state/look_picture';
import { COPY } from '../copy';

/** The word of each cell, beside the cell's name; a cell without a clear one says so. */
export function CellWords({ words }: { readonly words: SeenCells['words'] }) {
  return (
    <table class="cell-words" data-testid="cell-words">
      <caption class="visually-hidden">{COPY.picture.cells}</caption>
      <tbody>
        {ROW_NAMES.map((row, i) => (
          <tr key={row}>
            {COLUMN_NAMES.map((column, j) => {
              const word = words[i * GRID_SIDE + j] ?? null;
              return (
                <td key={column}>
                  <span class="cell-word" data-clear={word !== null}>
                    <b>
                      {row}
                      {column}
                    </b>{' '}
                    {word ?? COPY.picture.unclearCell}
                  </span>
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
