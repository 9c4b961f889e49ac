// Draws the picture: choosing one (drop, paste, file, example), and the heatmap of the shown steps over it. The
// heatmap is drawn only over the picture that the answer is about.

import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { IMAGE_SIDE } from '../../data/world/grid';
import { peak, scaleTop } from '../../state/attention_view';
import type { Picture } from '../../state/look_picture';
import type { PromptFact } from '../../worker/protocol/answers';
import { COPY } from '../copy';
import { Icon } from '../icons';
import { Notice } from '../notice';
import { type Draw, LazyPage } from '../pages';
import { CellWords } from './cell_words';
import { drawColourBar, drawOverlay, drawPicture } from './heatmap';
import { useLook } from './look_context';
import { type Example, fetchExample, fetchExamples, pictureOf } from './picture_source';
import { modelView, overlayOpacity, overlayShown, stretchScale } from './view_settings';
import '../styles/picture.css';

/** The picture that the panel shows, the prompt facts that belong to it, if any, and the words of its cells. */
function useShownPicture() {
  const look = useLook();
  return useComputed(() => {
    const chosen = look.picture.value;
    const about = look.answerPicture.value;
    const answer = look.session.value.answer;
    // A newly chosen picture takes the place of the one that the last answer is about.
    const current = about !== null && (chosen === null || chosen.blob === about.blob);
    const picture: Picture | null = current ? about : chosen;
    const prompt = current ? (answer?.prompt ?? null) : null;
    // Before the engine has read the picture, the page's own reading of it stands in.
    const guess = look.session.value.model?.square === true ? (picture?.seen?.words ?? null) : null;
    return { picture, prompt, current, words: prompt === null ? guess : prompt.cells };
  });
}

function Canvases() {
  const look = useLook();
  const shown = useShownPicture();
  const base = useRef<HTMLCanvasElement>(null);
  const over = useRef<HTMLCanvasElement>(null);
  useSignalEffect(() => {
    const { picture, prompt, words } = shown.value;
    if (base.current === null || picture === null) return;
    const { bitmap } = picture;
    if (prompt !== null) {
      const resized = { width: prompt.resizedWidth, height: prompt.resizedHeight };
      drawPicture(base.current, bitmap, prompt.square, modelView.value ? resized : null);
    } else if (modelView.value && words !== null) {
      const resized = { width: IMAGE_SIDE, height: IMAGE_SIDE };
      drawPicture(base.current, bitmap, true, resized);
    } else drawPicture(base.current, bitmap, false, null);
  });
  useSignalEffect(() => {
    const { prompt, current, picture } = shown.value;
    const readout = look.readout.value;
    // Subscribed so that the overlay follows the picture's canvas when that changes its size.
    void modelView.value;
    if (over.current === null || base.current === null || picture === null) return;
    const map = readout?.map ?? null;
    const visible = overlayShown.value && current && map !== null && prompt !== null;
    const top = map === null ? 1 : stretchScale.value ? peak(map) : scaleTop(map.length);
    const opacity = overlayOpacity.value;
    drawOverlay(over.current, base.current, visible ? { map, grid: prompt.grid, top, opacity } : null);
    const { dataset } = over.current;
    dataset.from = visible ? String(readout?.range.from) : '';
    dataset.to = visible ? String(readout?.range.to) : '';
    dataset.sum = visible ? map.reduce((sum, value) => sum + value, 0).toFixed(4) : '';
    dataset.grid = visible ? prompt.grid.join('x') : '';
  });
  const label = useComputed(() => {
    const name = shown.value.picture?.name ?? '';
    const sentence = shown.value.current ? (look.readout.value?.sentence ?? '') : '';
    return `${COPY.picture.pictureAlt(name)}. ${sentence}`;
  });
  return (
    <div class="canvases">
      <div role="img" aria-label={label.value}>
        <canvas ref={base} />
        <canvas ref={over} class="overlay" data-testid="heatmap" />
      </div>
      {modelView.value && shown.value.words !== null && <CellWords words={shown.value.words} />}
    </div>
  );
}

function ColourBar() {
  const look = useLook();
  const bar = useRef<HTMLCanvasElement>(null);
  useSignalEffect(() => {
    if (bar.current !== null) drawColourBar(bar.current, overlayOpacity.value);
  });
  const scale = useComputed(() => {
    const map = look.readout.value?.map;
    const [rows, columns] = look.session.value.answer?.prompt?.grid ?? [3, 3];
    if (stretchScale.value && map) return { top: peak(map), open: false };
    return { top: scaleTop(rows * columns), open: true };
  });
  const { top, open } = scale.value;
  const digits = top >= 0.1 ? 2 : top >= 0.01 ? 3 : 4;
  return (
    <figure class="colour-bar">
      <figcaption>{COPY.picture.scale}</figcaption>
      <canvas ref={bar} width={256} height={10} />
      <div class="colour-bar-numbers">
        <span>0</span>
        <span>{(top / 2).toFixed(digits + 1)}</span>
        <span>
          {open ? '≥ ' : ''}
          {top.toFixed(digits)}
        </span>
      </div>
      {stretchScale.value && <span class="badge">{COPY.picture.stretched}</span>}
    </figure>
  );
}

function HeatmapControls() {
  return (
    <div class="heatmap-controls">
      <label class="check">
        <input
          type="checkbox"
          checked={overlayShown.value}
          onChange={(event) => {
            overlayShown.value = event.currentTarget.checked;
          }}
        />
        {COPY.picture.overlay}
      </label>
      <label class="slider">
        {COPY.picture.opacity}
        <input
          type="range"
          min={0.1}
          max={1}
          step={0.05}
          value={overlayOpacity.value}
          onInput={(event) => {
            overlayOpacity.value = event.currentTarget.valueAsNumber;
          }}
        />
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={stretchScale.value}
          onChange={(event) => {
            stretchScale.value = event.currentTarget.checked;
          }}
        />
        {COPY.picture.stretch}
      </label>
    </div>
  );
}

function PromptFacts({ prompt }: { readonly prompt: PromptFact }) {
  const { resizedWidth, resizedHeight, grid } = prompt;
  const cut = prompt.square && prompt.sourceWidth !== prompt.sourceHeight;
  return (
    <>
      <p>
        {COPY.picture.asSeen(resizedWidth, resizedHeight, grid[0], grid[1])}
        {cut && `; ${COPY.picture.cut}`}.
      </p>
      {prompt.notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
    </>
  );
}

function PromptNotes() {
  const { picture, prompt, words } = useShownPicture().value;
  if (picture === null || (prompt === null && words === null)) return null;
  return (
    <div class="prompt-notes">
      <label class="check">
        <input
          type="checkbox"
          data-testid="model-view"
          checked={modelView.value}
          onChange={(event) => {
            modelView.value = event.currentTarget.checked;
          }}
        />
        {COPY.picture.modelView}
      </label>
      {prompt !== null && <PromptFacts prompt={prompt} />}
    </div>
  );
}

function Examples() {
  const look = useLook();
  const examples = useSignal<readonly Example[]>([]);
  useEffect(() => {
    fetchExamples().then(
      (list) => {
        examples.value = list;
      },
      () => {
        // The page works without examples; dropping a picture is always possible.
      },
    );
  }, [examples]);
  if (examples.value.length === 0) return null;
  return (
    <fieldset class="examples">
      <legend class="visually-hidden">{COPY.picture.examples}</legend>
      {examples.value.map((example) => (
        <button
          key={example.file}
          type="button"
          class="example"
          aria-label={example.name}
          title={example.name}
          aria-pressed={look.picture.value?.name === example.name}
          onClick={() => void look.choosePicture(fetchExample(example), example.name, example)}
        >
          <img src={`./examples/${example.file}`} alt="" width="30" height="30" />
        </button>
      ))}
    </fieldset>
  );
}

function FilePicker({ label }: { readonly label: string }) {
  const look = useLook();
  return (
    <label class="file-picker">
      <input
        type="file"
        accept="image/*"
        onChange={(event) => {
          const input = event.currentTarget;
          const file = input.files?.[0];
          if (file) void look.choosePicture(file, file.name);
          // Cleared, so that the same file can be chosen again.
          input.value = '';
        }}
      />
      <span>{label}</span>
    </label>
  );
}

/** Takes pictures that are dropped anywhere on the page or pasted outside of a text. */
function useDropAndPaste(dragging: { value: boolean }): void {
  const look = useLook();
  useEffect(() => {
    const choose = (file: File | null) => {
      if (file !== null) void look.choosePicture(file, file.name || 'pasted picture');
      return file !== null;
    };
    const onDrag = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      dragging.value = true;
    };
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) dragging.value = false;
    };
    const onDrop = (event: DragEvent) => {
      dragging.value = false;
      if (choose(pictureOf(event.dataTransfer))) event.preventDefault();
    };
    const onPaste = (event: ClipboardEvent) => {
      if (choose(pictureOf(event.clipboardData))) event.preventDefault();
    };
    document.addEventListener('dragover', onDrag);
    document.addEventListener('dragleave', onLeave);
    document.addEventListener('drop', onDrop);
    document.addEventListener('paste', onPaste);
    return () => {
      document.removeEventListener('dragover', onDrag);
      document.removeEventListener('dragleave', onLeave);
      document.removeEventListener('drop', onDrop);
      document.removeEventListener('paste', onPaste);
    };
  }, [look, dragging]);
}

/** Opens the composer, which is fetched when it is first wanted. */
function DrawButton() {
  const open = useSignal(false);
  const load = useRef(async (): Promise<Draw> => {
    const { ComposerDialog } = await import('./composer_dialog');
    return () => (
      <ComposerDialog
        onClose={() => {
          open.value = false;
        }}
      />
    );
  });
  return (
    <>
      <button
        type="button"
        class="compose-button"
        data-testid="compose"
        onClick={() => {
          open.value = true;
        }}
      >
        <Icon name="edit" /> {COPY.picture.compose}
      </button>
      {open.value && <LazyPage load={load.current} />}
    </>
  );
}

/** The picture panel. */
export function PicturePanel() {
  const look = useLook();
  const shown = useShownPicture();
  const dragging = useSignal(false);
  const knows = useComputed(() => look.session.value.model?.knows ?? '');
  useDropAndPaste(dragging);
  const has = shown.value.picture !== null;
  const error = look.pictureError.value;
  return (
    <section class="panel picture-panel" aria-labelledby="picture-title" data-dragging={dragging.value}>
      <header class="panel-head">
        <h2 id="picture-title">{COPY.picture.title}</h2>
        <Examples />
        <DrawButton />
        {has && <FilePicker label={COPY.picture.change} />}
      </header>
      {error !== null && <Notice error={error} compact />}
      {has ? (
        <Canvases />
      ) : (
        <div class="drop-zone">
          <Icon name="picture" />
          <p>{COPY.picture.empty}</p>
          <FilePicker label={COPY.picture.choose} />
          <p class="hint knows">{knows.value}</p>
        </div>
      )}
      <PromptNotes />
      {has && shown.value.prompt !== null && (
        <div class="heatmap-legend">
          <ColourBar />
          <HeatmapControls />
        </div>
      )}
    </section>
  );
}
