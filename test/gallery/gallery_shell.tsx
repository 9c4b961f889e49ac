// Lists the states of the gallery and shows one of them in the page's own shell over its scripted engine.

import { computed } from '@preact/signals';
import { render } from 'preact';
import { followQuestion } from '../../src/state/question_words';
import { App } from '../../src/ui/app';
import type { Draw } from '../../src/ui/lazy_page';
import { QuestionWordsContext } from '../../src/ui/look/look_context';
import type { Pages } from '../../src/ui/pages';
import { route } from '../../src/ui/route';
import { settled } from '../state/train_script';
import type { GalleryState } from './gallery_state';
import { DATA_STATES } from './states_data';
import { ERROR_STATES } from './states_errors';
import { LAB_STATES } from './states_lab';
import { LIBRARY_STATES } from './states_library';
import { LOOK_STATES } from './states_look';
import { TRAIN_STATES } from './states_train';

/** All states, in the order of the bar; errors last. */
export const STATES: readonly GalleryState[] = [
  ...LOOK_STATES,
  ...TRAIN_STATES,
  ...DATA_STATES,
  ...LAB_STATES,
  ...LIBRARY_STATES,
  ...ERROR_STATES,
];

/** Pictures that are decoded take a moment. */
const MOMENT_MS = 30;

/** Waits until nothing says that it is on its way. */
async function opened(root: HTMLElement): Promise<void> {
  const opening = () => root.querySelector('[data-testid="opening"]') !== null;
  for (let turn = 0; turn < 500 && opening(); turn++) await new Promise((done) => setTimeout(done, 10));
  if (opening()) throw new Error('something is still on its way');
}

/** One page of the shell is the state's own; nobody goes to the others. */
function pagesOf(draw: Draw | undefined): Pages {
  const own = async () => draw ?? (() => null);
  return { train: own, data: own, lab: own, models: own, library: own };
}

/** Shows a state; resolves to what takes it away, once everything of it is there. */
export async function showState(state: GalleryState, root: HTMLElement): Promise<() => void> {
  const { engine, look, library, draw, after } = await state.make();
  route.value = state.page;
  const model = computed(() => look.session.value.model);
  const words = followQuestion(engine, look.question, model);
  render(
    <QuestionWordsContext.Provider value={words}>
      <App look={look} library={library} pages={pagesOf(draw)} />
    </QuestionWordsContext.Provider>,
    root,
  );
  await settled();
  await after?.();
  await opened(root);
  await new Promise((done) => setTimeout(done, MOMENT_MS));
  return () => {
    words.dispose();
    render(null, root);
  };
}
