// Hands the state of the Train page to its components, so that none of them imports a singleton; it has one provider,
// at the root of the page.

import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { defined } from '../../lib/invariant';
import type { Train } from '../../state/train';

/** Context of the page's state; filled by `TrainPage`. */
export const TrainContext = createContext<Train | null>(null);

/** The state of the page this component is part of. */
export function useTrain(): Train {
  return defined(useContext(TrainContext), 'TrainContext');
}
