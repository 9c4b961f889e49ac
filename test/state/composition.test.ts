// The composer's state: placing, erasing, painting, moving by keyboard, undo and redo, and the questions that fit.

import { describe, expect, it } from 'vitest';
import { Composer, knowledgeOf, placedName } from '../../src/state/composition';

function composer(): Composer {
  const made = new Composer();
  made.shape.value = 'star';
  made.colour.value = 'blue';
  return made;
}

const names = (made: Composer): (string | null)[] => made.composition.value.cells.map(placedName);

describe('Composer', () => {
  it('places the chosen shape, replaces another and takes the same one away', () => {
    const made = composer();
    made.press(5);
    expect(names(made)[5]).toBe('blue star');
    made.colour.value = 'red';
    made.press(5);
    expect(names(made)[5]).toBe('red star');
    made.press(5);
    expect(made.empty.value).toBe(true);
  });

  it('erases cells and strokes', () => {
    const made = composer();
    made.press(0);
    made.beginStroke(0.5, 0.5);
    made.extendStroke(0.6, 0.5);
    made.endStroke();
    made.tool.value = 'erase';
    made.press(0);
    made.eraseStrokesAt(0.1, 0.1);
    expect(made.composition.value.strokes).toHaveLength(1);
    made.eraseStrokesAt(0.6, 0.5);
    expect(made.empty.value).toBe(true);
  });

  it('undoes and redoes each change, and a new change ends redoing', () => {
    const made = composer();
    expect(made.canUndo.value).toBe(false);
    made.press(1);
    made.press(2);
    made.clear();
    expect(made.empty.value).toBe(true);
    made.undo();
    expect(names(made).slice(0, 4)).toEqual([null, 'blue star', 'blue star', null]);
    made.undo();
    made.redo();
    expect(names(made)[2]).toBe('blue star');
    made.undo();
    made.press(3);
    expect(made.canRedo.value).toBe(false);
    expect(names(made).slice(0, 4)).toEqual([null, 'blue star', null, 'blue star']);
  });

  it('does not count an erased empty cell as a change', () => {
    const made = composer();
    made.tool.value = 'erase';
    made.press(3);
    made.clearCell(3);
    expect(made.canUndo.value).toBe(false);
  });

  it('stops at the edges of the grid', () => {
    const made = composer();
    made.move(-1, 0);
    expect(made.cell.value).toBe(0);
    made.move(1, 2);
    expect(made.cell.value).toBe(9);
    made.move(9, 9);
    expect(made.cell.value).toBe(15);
  });

  it('shows a stroke while it is painted and keeps it as one change', () => {
    const made = composer();
    made.beginStroke(0, 0);
    made.extendStroke(1, 1);
    expect(made.composition.value.strokes[0]?.points).toHaveLength(2);
    expect(made.canUndo.value).toBe(false);
    made.endStroke();
    made.endStroke();
    made.undo();
    expect(made.empty.value).toBe(true);
  });
});

describe('knowledgeOf', () => {
  it('asks about what is commonest, with the answers', () => {
    const made = composer();
    for (const cell of [0, 1, 2]) made.press(cell);
    made.shape.value = 'ring';
    for (const cell of [4, 5]) made.press(cell);
    made.colour.value = 'red';
    made.press(8);
    const { questions, facts } = knowledgeOf(made.composition.value);
    expect(questions).toEqual([
      { text: 'How many blue objects?', answer: '5' },
      { text: 'How many stars?', answer: '3' },
      { text: 'How many blue stars?', answer: '3' },
    ]);
    expect(facts?.cells.slice(0, 5)).toEqual([
      ...Array(3).fill({ colour: 'blue', shape: 'star' }),
      null,
      { colour: 'blue', shape: 'ring' },
    ]);
  });

  it('knows no answer once something was painted, and asks nothing about an empty sheet', () => {
    const made = composer();
    expect(knowledgeOf(made.composition.value).questions).toEqual([]);
    made.press(0);
    made.beginStroke(0, 0);
    made.endStroke();
    const { questions, facts } = knowledgeOf(made.composition.value);
    expect(questions.map(({ answer }) => answer)).toEqual([null, null, null]);
    expect(facts).toBeNull();
  });
});
