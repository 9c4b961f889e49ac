// Names the pages, and the controls that messages send people to. A control shows its label from here and a message names
// it by the same constant, so that no message can speak of a control that is called otherwise or lies elsewhere.

import type { Route } from './route';

/** What each page is called. */
export const PAGES = {
  look: 'Look',
  train: 'Train',
  data: 'Data',
  lab: 'Lab',
  models: 'Models',
  library: 'Library',
} as const satisfies Record<Route, string>;

/** A control that messages name. */
export interface NamedControl {
  /** The page that has it; null for the bar at the top of every page, or for every notice. */
  readonly page: Route | null;
  readonly label: string;
}

/** Controls that messages name. */
export const CONTROLS = {
  model: { page: null, label: 'Model' },
  details: { page: null, label: 'Details for a report' },
  preset: { page: 'train', label: 'Preset' },
  questions: { page: 'train', label: 'Questions from' },
  baseModel: { page: 'train', label: 'Base model' },
  planAdapter: { page: 'train', label: 'Adapter' },
  start: { page: 'train', label: 'Start' },
  pause: { page: 'train', label: 'Pause' },
  resume: { page: 'train', label: 'Resume' },
  stop: { page: 'train', label: 'Stop' },
  saveAdapter: { page: 'train', label: 'Save adapter' },
  hubAccess: { page: 'models', label: 'Hub and access' },
  pauseDownload: { page: 'models', label: 'Pause' },
  resumeDownload: { page: 'models', label: 'Resume' },
  deleteStored: { page: 'library', label: 'Delete' },
  deleteDataset: { page: 'data', label: 'Delete' },
  exportAdapter: { page: 'library', label: 'Export' },
  exportAll: { page: 'library', label: 'Export everything' },
} as const satisfies Record<string, NamedControl>;

/** `the Train page`. */
export function pageName(page: Route): string {
  return `the ${PAGES[page]} page`;
}

/** A control as a message names it: `“Start”`. */
export function control(name: keyof typeof CONTROLS): string {
  return `“${CONTROLS[name].label}”`;
}
