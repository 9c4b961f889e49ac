// Every sentence of the composer, in which people draw a sheet of their own.

import type { Tool } from '../../state/composition';

/** Fixed texts of the composer. */
export const COMPOSER_COPY = {
  title: 'Draw a sheet',
  hint: 'Click a cell to put the chosen shape there, and again to take it away. By keyboard: arrow keys move, Enter places, Del empties a cell, Ctrl+Z takes back.',
  paintHint: 'Drag over the sheet to paint in the chosen colour.',
  eraseHint: 'Click a cell to empty it, or a stroke to take it away.',
  grid: 'The sheet',
  cell: (name: string, content: string | null) => `${name}: ${content ?? 'empty'}`,
  tool: 'Tool',
  tools: { place: 'Place', paint: 'Paint', erase: 'Erase' } satisfies Record<Tool, string>,
  shape: 'Shape',
  colour: 'Colour',
  brush: 'Brush',
  undo: 'Undo',
  redo: 'Redo',
  clear: 'Clear',
  use: 'Ask about it',
  useEmpty: 'Put something on the sheet first.',
  pictureName: 'My sheet',
} as const;
