// Draws the panels of the pictures: choosing them (drop, paste, files, example), and how the model received them.

import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Look } from '../../state/look';
import type { PictureFact, PromptFact } from '../../worker/protocol/answers';
import { COPY } from '../copy';
import { Icon } from '../icons';
import { type Draw, LazyPage } from '../lazy_page';
import { Notice } from '../notice';
import { useLook } from './look_context';
import { PictureCanvas } from './picture_canvas';
import { type Example, fetchExample, fetchExamples, picturesOf } from './picture_source';
import { useShownPictures } from './shown_pictures';
import { modelView } from './view_settings';
import '../styles/picture.css';

// Fetched with the second picture of a question.
async function loadSeveral(): Promise<Draw> {
  const { SeveralPictures } = await import('./several_pictures');
  return () => <SeveralPictures />;
}

// Fetched once the page is there, as answers must not need the server.
async function loadLegend(): Promise<Draw> {
  const { HeatmapLegend } = await import('./heatmap_legend');
  return () => <HeatmapLegend />;
}

function PictureFacts({ fact, square, at }: { fact: PictureFact; square: boolean; at: number | null }) {
  const { resizedWidth, resizedHeight, grid } = fact;
  const cut = square && fact.sourceWidth !== fact.sourceHeight;
  return (
    <>
      <p>
        {at !== null && `image ${at + 1}: `}
        {COPY.picture.asSeen(resizedWidth, resizedHeight, grid[0], grid[1])}
        {cut && `; ${COPY.picture.cut}`}.
      </p>
      {fact.notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
    </>
  );
}

function PromptFacts({ prompt: { pictures, square } }: { readonly prompt: PromptFact }) {
  return pictures.map((fact, at) => (
    <PictureFacts key={at} fact={fact} square={square} at={pictures.length > 1 ? at : null} />
  ));
}

function PromptNotes() {
  const { prompt } = useShownPictures().value;
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

/** Takes pictures, or a saved answer, which is played. */
function takeFiles(look: Look, list: FileList | null | undefined, add = false): void {
  const files = [...(list ?? [])];
  const trace = files.find(({ name }) => /\.json$/i.test(name));
  if (trace !== undefined) void look.openTrace(trace, trace.name, 'playing');
  else if (files.length > 0) void look.choosePictures(picturesOf(files), add);
}

function FilePicker({ label, add = false }: { readonly label: string; readonly add?: boolean }) {
  const look = useLook();
  return (
    <label class="file-picker">
      <input
        type="file"
        accept="image/*,.json"
        multiple
        data-testid={add ? 'add-picture' : 'choose-picture'}
        onChange={(event) => {
          const input = event.currentTarget;
          takeFiles(look, input.files, add);
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
    const choose = (list: FileList | undefined) => {
      takeFiles(look, list);
      return (list?.length ?? 0) > 0;
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
      if (choose(event.dataTransfer?.files)) event.preventDefault();
    };
    const onPaste = (event: ClipboardEvent) => {
      if (choose(event.clipboardData?.files)) event.preventDefault();
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

/** Takes a picture with the camera, where the browser has one; its dialog is fetched when it is first wanted. */
function CameraButton() {
  const open = useSignal(false);
  const load = useRef(async (): Promise<Draw> => {
    const { CameraDialog } = await import('./camera_dialog');
    return () => (
      <CameraDialog
        onClose={() => {
          open.value = false;
        }}
      />
    );
  });
  if (typeof navigator.mediaDevices?.getUserMedia !== 'function') return null;
  return (
    <>
      <button
        type="button"
        class="icon-button"
        aria-label={COPY.picture.camera}
        title={COPY.picture.camera}
        data-testid="camera"
        onClick={() => {
          open.value = true;
        }}
      >
        <Icon name="camera" />
      </button>
      {open.value && <LazyPage load={load.current} />}
    </>
  );
}

/** The picture panel. */
export function PicturePanel() {
  const look = useLook();
  const shown = useShownPictures();
  const dragging = useSignal(false);
  const model = useComputed(() => look.session.value.model);
  useDropAndPaste(dragging);
  const count = shown.value.pictures.length;
  const most = model.value?.maxPictures ?? 1;
  const error = look.pictureError.value ?? look.traceError.value;
  return (
    <section class="panel picture-panel" aria-labelledby="picture-title" data-dragging={dragging.value}>
      <header class="panel-head">
        <h2 id="picture-title">{COPY.picture.title}</h2>
        <Examples />
        <CameraButton />
        <DrawButton />
        {count > 0 && count < most && <FilePicker label={COPY.picture.add(most)} add />}
        {count > 0 && <FilePicker label={COPY.picture.change} />}
      </header>
      {error !== null && <Notice error={error} compact />}
      {count === 0 && (
        <div class="drop-zone">
          <Icon name="picture" />
          <p>{COPY.picture.empty}</p>
          <FilePicker label={COPY.picture.choose} />
          <p class="hint knows">{model.value?.knows ?? ''}</p>
          {most > 1 && <p class="hint">{COPY.picture.upTo(most)}</p>}
        </div>
      )}
      {count === 1 && <PictureCanvas at={0} />}
      {count > 1 && <LazyPage load={loadSeveral} />}
    </section>
  );
}

/** How the picture was read, and the heatmap's scale and settings. */
export function PictureNotes() {
  const look = useLook();
  const shown = useShownPictures();
  useEffect(() => void loadLegend().catch(() => undefined), []);
  const any = useComputed(() => shown.value.pictures.length > 0 || look.session.value.answer !== null);
  if (!any.value) return null;
  return (
    <section class="panel picture-notes" aria-label={COPY.picture.notes}>
      <PromptNotes />
      <LazyPage load={loadLegend} />
    </section>
  );
}
