// Mounts the page over an engine: the one place of the page's half that constructs things. The caller chooses the
// engine: the real Worker (main.tsx) or a scripted one. The first render does not wait for it.

// First, so that the order of the cascade layers is set before any component's styles.
import './styles/layers.css';
import './styles/tokens.css';
import './styles/base.css';
import { computed, effect } from '@preact/signals';
import { render } from 'preact';
import { defined } from '../lib/invariant';
import { adoptBundledAdapter } from '../state/default_adapter';
import { createLibrary } from '../state/library';
import { createLook, type Look } from '../state/look';
import { followQuestion } from '../state/question_words';
import { createEngineClient, type EngineEndpoint } from '../worker/client';
import { App } from './app';
import { browserText } from './browser_text';
import { startEmbed } from './embed';
import { keepFocus } from './keep_focus';
import { playFirst } from './look/first_trace';
import { QuestionWordsContext } from './look/look_context';
import { decodePicture } from './look/picture_source';
import { wantsNoMotion } from './motion';
import { fetchErrorWords } from './notice';
import { keepOffline } from './offline';
import { createPages } from './pages';
import { startRoute } from './route';
import { startTheme } from './theme';

/** Calls back each frame until the returned function is called; not in a hidden tab. */
function everyFrame(callback: (now: number) => void): () => void {
  let request = requestAnimationFrame(function frame(now) {
    request = requestAnimationFrame(frame);
    callback(now);
  });
  return () => cancelAnimationFrame(request);
}

/** Keeps the page once the first model is there or not to be had, as both would share the network. */
function keepWhenQuiet(look: Look): void {
  if (!import.meta.env.PROD) return;
  let begun = false;
  const stop = effect(() => {
    const { model, error } = look.session.value;
    if (begun || (model === null && error === null)) return;
    begun = true;
    void keepOffline(navigator.serviceWorker);
    queueMicrotask(() => stop());
  });
}

/** Renders the page into `#app` and starts the engine that `spawn` makes. */
export function mount(spawn: () => EngineEndpoint): void {
  const root = defined(document.getElementById('app'), '#app');
  startTheme();
  startRoute();
  startEmbed();
  const client = createEngineClient(spawn);
  const look = createLook(client, {
    now: () => performance.now(),
    everyFrame,
    still: wantsNoMotion,
    keptPace: browserText('look-back/reading-pace'),
    decode: decodePicture,
    seenCells: async (bitmap) => (await import('./look/seen_cells')).seenCells(bitmap),
  });
  const library = createLibrary(client);
  adoptBundledAdapter(look, library);
  const pages = createPages(client, look, library);
  const words = followQuestion(
    client,
    look.question,
    computed(() => look.session.value.model),
  );
  render(
    <QuestionWordsContext.Provider value={words}>
      <App look={look} library={library} pages={pages} />
    </QuestionWordsContext.Provider>,
    root,
  );
  keepFocus(root);
  void playFirst(look);
  void look.start();
  void fetchErrorWords();
  keepWhenQuiet(look);
  // After the start: the engine answers in the order of the commands.
  void library.refresh();
}
