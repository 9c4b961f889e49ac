// Hands the stores of the Train page to its components, each by a hook of its own, so that a component says which of them it
// uses and none imports a singleton. The page has one provider, at its root.

import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { defined } from '../../lib/invariant';
import type { Train } from '../../state/train';

/** Context of the page's state; filled by `TrainPage`. */
export const TrainContext = createContext<Train | null>(null);

function useStore<Name extends keyof Train>(name: Name): Train[Name] {
  return defined(useContext(TrainContext), 'TrainContext')[name];
}

/** The plan and its edits. */
export const usePlan = () => useStore('plan');
/** The models that a plan may name. */
export const usePlanModels = () => useStore('models');
/** What is known of the plan before it is started. */
export const useForecast = () => useStore('forecast');
/** What is stored. */
export const useStored = () => useStore('stored');
/** The shown run. */
export const useShown = () => useStore('shown');
/** The runs that are compared with it. */
export const useCompare = () => useStore('compare');
/** The engine's run. */
export const useLiveRun = () => useStore('live');
/** What moves a run. */
export const useRunControl = () => useStore('control');
/** What is made of a run. */
export const useRunResults = () => useStore('results');
/** What a person writes about runs. */
export const useNotes = () => useStore('notes');
/** The commands under way, and why the last one failed. */
export const useCommands = () => useStore('commands');
