// The dialog in which people draw a sheet: the grid with its keyboard, the shapes and colours, free painting, undo.
// "Ask about it" hands the finished picture to the Look page. What was drawn stays while the page is open.

import { useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { typicalColour } from '../../data/world/colour_words';
import { CELL_NAMES, GRID_SIDE } from '../../data/world/grid';
import { COLOURS, type Colour, SHAPES, type Shape } from '../../data/world/world_words';
import { Composer, knowledgeOf, placedName, type Tool } from '../../state/composition';
import { Modal } from '../confirm';
import { COPY } from '../copy';
import { Icon } from '../icons';
import { drawComposition, pictureFile, shapePixels } from './composer_canvas';
import { COMPOSER_COPY } from './composer_copy';
import { useLook } from './look_context';
import '../styles/composer.css';

const TOOLS: readonly Tool[] = ['place', 'paint', 'erase'];
const ICON_SIDE = 128;
const MIN_BRUSH = 0.01;
const MAX_BRUSH = 0.2;

/** One for the life of the page, so that closing the dialog loses nothing. */
const composer = new Composer();

function ShapeIcon({ shape, colour }: { readonly shape: Shape; readonly colour: Colour }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const pixels = shapePixels({ shape, colour });
    canvas.current?.getContext('2d')?.putImageData(new ImageData(pixels, ICON_SIDE, ICON_SIDE), 0, 0);
  }, [shape, colour]);
  return <canvas ref={canvas} width={ICON_SIDE} height={ICON_SIDE} />;
}

interface ChoiceProps<T extends string> {
  readonly legend: string;
  readonly name: string;
  readonly items: readonly T[];
  readonly chosen: { value: T };
  readonly label: (item: T) => preact.ComponentChild;
}

/** A radio group drawn as a row of swatches or words. */
function Choice<T extends string>({ legend, name, items, chosen, label }: ChoiceProps<T>) {
  return (
    <fieldset class={`composer-choice composer-${name}`}>
      <legend>{legend}</legend>
      {items.map((item) => (
        <label key={item} title={item}>
          <input
            type="radio"
            name={`composer-${name}`}
            value={item}
            checked={chosen.value === item}
            onChange={() => {
              chosen.value = item;
            }}
          />
          {label(item)}
        </label>
      ))}
    </fieldset>
  );
}

function Tools() {
  const { tool, shape, colour, brush } = composer;
  return (
    <div class="composer-tools">
      <Choice
        legend={COMPOSER_COPY.tool}
        name="tool"
        items={TOOLS}
        chosen={tool}
        label={(item) => <span>{COMPOSER_COPY.tools[item]}</span>}
      />
      {tool.value === 'place' && (
        <Choice
          legend={COMPOSER_COPY.shape}
          name="shape"
          items={SHAPES}
          chosen={shape}
          label={(item) => (
            <>
              <ShapeIcon shape={item} colour={colour.value} />
              <span class="visually-hidden">{item}</span>
            </>
          )}
        />
      )}
      {tool.value !== 'erase' && (
        <Choice
          legend={COMPOSER_COPY.colour}
          name="colour"
          items={COLOURS}
          chosen={colour}
          label={(item) => (
            <>
              <span class="swatch" style={{ background: `rgb(${typicalColour(item).join(' ')})` }} />
              <span class="visually-hidden">{item}</span>
            </>
          )}
        />
      )}
      {tool.value === 'paint' && (
        <label class="slider">
          {COMPOSER_COPY.brush}
          <input
            type="range"
            min={MIN_BRUSH}
            max={MAX_BRUSH}
            step={MIN_BRUSH}
            value={brush.value}
            onInput={(event) => {
              brush.value = event.currentTarget.valueAsNumber;
            }}
          />
        </label>
      )}
    </div>
  );
}

const MOVES: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

function onGridKey(event: KeyboardEvent): void {
  const move = MOVES[event.key];
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key.toLowerCase() === 'z') {
    if (event.shiftKey) composer.redo();
    else composer.undo();
    event.preventDefault();
    return;
  }
  if (move !== undefined) composer.move(...move);
  else if (event.key === 'Delete' || event.key === 'Backspace') composer.clearCell(composer.cell.value);
  else return;
  event.preventDefault();
}

/** Where a pointer is over an element, in fractions of its sides. */
function placeOf(event: PointerEvent, element: HTMLElement): readonly [number, number] {
  const box = element.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

/** The 16 cells as buttons over the canvas; one of them is the grid's tab stop. */
function Cells() {
  const grid = useRef<HTMLDivElement>(null);
  const focusCell = (): void => {
    grid.current?.querySelectorAll('button')[composer.cell.value]?.focus();
  };
  const { cells } = composer.composition.value;
  const rows = Array.from({ length: GRID_SIDE }, (_, row) => row * GRID_SIDE);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a table cannot lie over the canvas as a grid of buttons
    <div
      ref={grid}
      class="composer-grid"
      role="grid"
      tabIndex={-1}
      aria-label={COMPOSER_COPY.grid}
      data-tool={composer.tool.value}
      onKeyDown={(event) => {
        onGridKey(event);
        if (event.defaultPrevented) focusCell();
      }}
    >
      {rows.map((first) => (
        // biome-ignore lint/a11y/useSemanticElements: as above
        <div key={first} role="row" tabIndex={-1}>
          {CELL_NAMES.slice(first, first + GRID_SIDE).map((name, column) => {
            const cell = first + column;
            return (
              // biome-ignore lint/a11y/useSemanticElements: as above
              <div key={name} role="gridcell" tabIndex={-1}>
                <button
                  type="button"
                  tabIndex={cell === composer.cell.value ? 0 : -1}
                  aria-label={COMPOSER_COPY.cell(name, placedName(cells[cell] ?? null))}
                  onClick={() => composer.press(cell)}
                />
              </div>
            );
          })}
        </div>
      ))}
    </div>
  );
}

function Sheet({ canvas }: { readonly canvas: { current: HTMLCanvasElement | null } }) {
  useSignalEffect(() => {
    if (canvas.current !== null) drawComposition(canvas.current, composer.composition.value);
  });
  const painting = useRef(false);
  return (
    <div
      class="composer-sheet"
      onPointerDown={(event) => {
        const at = placeOf(event, event.currentTarget);
        if (composer.tool.value === 'erase') composer.eraseStrokesAt(...at);
        if (composer.tool.value !== 'paint') return;
        painting.current = true;
        event.currentTarget.setPointerCapture(event.pointerId);
        composer.beginStroke(...at);
      }}
      onPointerMove={(event) => {
        if (painting.current) composer.extendStroke(...placeOf(event, event.currentTarget));
      }}
      onPointerUp={() => {
        painting.current = false;
        composer.endStroke();
      }}
      onPointerCancel={() => {
        painting.current = false;
        composer.endStroke();
      }}
    >
      <canvas ref={canvas} />
      <Cells />
    </div>
  );
}

function hintOf(tool: Tool): string {
  if (tool === 'paint') return COMPOSER_COPY.paintHint;
  return tool === 'erase' ? COMPOSER_COPY.eraseHint : COMPOSER_COPY.hint;
}

/** The composer; `onClose` ends the dialog. */
export function ComposerDialog({ onClose }: { readonly onClose: () => void }) {
  const look = useLook();
  const canvas = useRef<HTMLCanvasElement>(null);
  const use = async (): Promise<void> => {
    if (canvas.current === null || composer.empty.value) return;
    const known = knowledgeOf(composer.composition.value);
    await look.choosePicture(pictureFile(canvas.current), COMPOSER_COPY.pictureName, known);
    onClose();
  };
  return (
    <Modal title={COMPOSER_COPY.title} onClose={onClose}>
      <div class="composer">
        <Sheet canvas={canvas} />
        <div class="composer-side">
          <Tools />
          <div class="composer-history">
            <button type="button" disabled={!composer.canUndo.value} onClick={() => composer.undo()}>
              {COMPOSER_COPY.undo}
            </button>
            <button type="button" disabled={!composer.canRedo.value} onClick={() => composer.redo()}>
              {COMPOSER_COPY.redo}
            </button>
            <button type="button" disabled={composer.empty.value} onClick={() => composer.clear()}>
              {COMPOSER_COPY.clear}
            </button>
          </div>
          <p class="hint">{hintOf(composer.tool.value)}</p>
        </div>
      </div>
      <div class="dialog-actions">
        <button type="button" onClick={onClose}>
          {COPY.app.cancel}
        </button>
        <button
          type="button"
          class="primary"
          data-testid="use-sheet"
          disabled={composer.empty.value}
          title={composer.empty.value ? COMPOSER_COPY.useEmpty : undefined}
          onClick={() => void use()}
        >
          <Icon name="picture" /> {COMPOSER_COPY.use}
        </button>
      </div>
    </Modal>
  );
}
