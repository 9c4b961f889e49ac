// Hands the state of the page to its components, so that none of them imports a singleton; each has one provider, at
// the root.

import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { defined } from '../../lib/invariant';
import type { Library } from '../../state/library';
import type { Look } from '../../state/look';
import type { QuestionWords } from '../../state/question_words';

/** Context of the page's state; filled by the app shell. */
export const LookContext = createContext<Look | null>(null);

/** The state of the page this component is part of. */
export function useLook(): Look {
  return defined(useContext(LookContext), 'LookContext');
}

/** Context of what is stored on this device; filled by the app shell. */
export const LibraryContext = createContext<Library | null>(null);

/** What is stored on this device. */
export function useLibrary(): Library {
  return defined(useContext(LibraryContext), 'LibraryContext');
}

/** Context of what the model can read of the typed question; filled where the page is mounted. */
export const QuestionWordsContext = createContext<QuestionWords | null>(null);

/** What the model can read of the typed question. */
export function useQuestionWords(): QuestionWords {
  return defined(useContext(QuestionWordsContext), 'QuestionWordsContext');
}
