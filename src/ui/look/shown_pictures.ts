// Says which pictures the picture panel shows: the chosen ones, with what the answer's prompt says of them as long as the
// answer is about the same files.

import { useComputed } from '@preact/signals';
import { attentionSinks } from '../../state/attention_sinks';
import type { Picture, SeenCells } from '../../state/look_picture';
import type { PromptFact } from '../../worker/protocol/answers';
import { useLook } from './look_context';
import { dimSinks } from './view_settings';

/** The pictures that the panel shows. */
export interface ShownPictures {
  readonly pictures: readonly Picture[];
  /** How the answer's prompt was made of them; null before it was, and for pictures chosen since. */
  readonly prompt: PromptFact | null;
  /** Whether the answer is about them. */
  readonly current: boolean;
}

function sameFiles(some: readonly Picture[], others: readonly Picture[]): boolean {
  return some.length === others.length && some.every(({ blob }, at) => blob === others[at]?.blob);
}

/** The pictures of the panel. Parts by themselves, so that a token of the answer, which changes none, draws nothing anew. */
export function useShownPictures() {
  const look = useLook();
  const current = useComputed(() => {
    const chosen = look.pictures.value;
    const about = look.answerPictures.value;
    // Newly chosen pictures take the place of those that the last answer is about.
    return about.length > 0 && (chosen.length === 0 || sameFiles(chosen, about));
  });
  const pictures = useComputed(() => (current.value ? look.answerPictures.value : look.pictures.value));
  const prompt = useComputed(() => (current.value ? (look.session.value.answer?.prompt ?? null) : null));
  return useComputed(
    (): ShownPictures => ({ pictures: pictures.value, prompt: prompt.value, current: current.value }),
  );
}

/** Cells of the shown answer's maps that are to be dimmed; none unless somebody wants it. */
export function useSinks() {
  const look = useLook();
  return useComputed(() =>
    dimSinks.value ? attentionSinks(look.session.value.answer?.steps ?? []) : new Set<number>(),
  );
}

/** The words of a picture's cells; null for models that see no cells, and where nothing is known yet. */
export function useCellWords(at: number) {
  const look = useLook();
  const shown = useShownPictures();
  return useComputed((): SeenCells['words'] | null => {
    const { prompt, pictures } = shown.value;
    if (prompt !== null) return prompt.pictures[at]?.cells ?? null;
    // Before the engine has read the picture, the page's own reading of it stands in.
    return look.session.value.model?.seesCells === true ? (pictures[at]?.seen?.words ?? null) : null;
  });
}
