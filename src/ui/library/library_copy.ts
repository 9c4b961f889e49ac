// Holds every sentence of the Library page. Numbers come with their unit, and what is lost is said before it is.

import { formatBytes } from '../../lib/format';
import type { TrainingMethod } from '../../settings/train_settings';
import type { DeletionEffect } from '../../state/deletion_effects';
import type { ItemKind, LibraryNews } from '../../state/library';
import { type CleanUpReason, type StoredColumn, UNUSED_DAYS } from '../../state/stored_items';
import type { StoredItem } from '../../worker/protocol/library';
import type { RunState } from '../../worker/protocol/training';
import { CONTROLS, control, pageName } from '../controls';
import { durationText } from '../train/figures_text';

const ITEMS: Record<ItemKind, string> = {
  adapter: 'Adapter',
  run: 'Run',
  dataset: 'Dataset',
  model: 'Model',
  trace: 'Look',
};

/** Fixed texts. */
export const LIBRARY_COPY = {
  title: 'Library',
  about: 'What this page keeps in this browser, on this device. Nothing of it is sent anywhere.',
  adapters: 'Adapters',
  adaptersEmpty: `No adapter yet. Train one on ${pageName('train')}, or import one as PEFT writes it.`,
  import: 'Import an adapter',
  importFolder: 'Import a folder',
  importHint:
    'or drop one anywhere on this page: adapter_config.json and adapter_model.safetensors, as two files, in their folder, or zipped.',
  importing: 'Working…',
  hubAdapter: 'Adapter of the hub',
  hubAdapterExample: 'organisation/name',
  hubAdapterHint: (base: string) =>
    `Its name or the address of its page; a branch, tag or commit follows an @. It has to be made for ${base}. Where it asks for a permission, give a token under ${control('hubAccess')} on ${pageName('models')}.`,
  hubAdapterAnyBase: 'the model that is loaded',
  hubAdapterNot: 'Write organisation/name, or paste the address of its page.',
  hubAdapterGet: 'Fetch it',
  hubAdapterAsking: (id: string) => `Asking the hub for ${id}…`,
  hubAdapterArrived: (loaded: number, total: number, secondsLeft: number | null) =>
    `${formatBytes(loaded)} of ${formatBytes(total)}${secondsLeft === null ? '' : `, ${durationText(secondsLeft)} left`}`,
  hubAdapterChecking: 'Checking it against the model…',
  bundled: 'comes with the page',
  tryIt: 'Try it',
  tryWhy: `Ask with it on ${pageName('look')}`,
  rename: 'Rename',
  export: CONTROLS.exportAdapter.label,
  exportWhy: 'As a zip that PEFT reads',
  delete: CONTROLS.deleteStored.label,
  name: 'Name',
  notes: 'Notes',
  save: 'Save',
  base: 'Base model',
  unknownBase: (id: string) => `${id} (not among the models here)`,
  trainedOver: 'Trained over',
  precision: (name: string) => (name === 'stored' ? 'weights as stored' : `weights in ${name}`),
  lora: 'LoRA',
  loraValue: (r: number, alpha: number) => `rank ${r}, alpha ${alpha}`,
  targets: 'Targets',
  parameters: 'Parameters',
  size: 'Size',
  saved: 'Saved',
  origin: 'From',
  originRun: (method: TrainingMethod, step: number) =>
    `${method === 'sft' ? 'an SFT' : 'a GRPO'} run, step ${step}`,
  originElsewhere: 'elsewhere (imported)',
  metrics: 'Metrics',
  metricsMore: (count: number) => `${count} more`,
  models: 'Models',
  modelsEmpty: 'No model was downloaded yet; pocket comes with the page and takes no room here.',
  modelsMore: `Get one on ${pageName('models')}`,
  modelRevision: (revision: string, commit: string) =>
    revision === commit ? commit.slice(0, 8) : `${revision} (${commit.slice(0, 8)})`,
  modelPart: 'a part of a download',
  modelResume: `Go on with it on ${pageName('models')}`,
  modelUnused: 'not used yet',
  modelUsed: ({ usedAt, precision }: { readonly usedAt: number; readonly precision: string }) =>
    `last used ${new Date(usedAt).toLocaleString()} in ${precision}`,
  modelInUse: 'It is loaded: to delete it, load another model first.',
  traces: 'Saved looks',
  tracesEmpty: `No look is saved yet. Where an answer is shared on ${pageName('look')}, it can also be kept here, with its picture, its tokens and their attention.`,
  traceOpen: 'Open',
  traceOpenWhy: `Play it on ${pageName('look')}, without a model`,
  traceOrigins: { here: 'answered here', import: 'opened from a file or a link' } as const,
  traceUsed: (usedAt: number) => `last opened ${new Date(usedAt).toLocaleString()}`,
  runs: 'Runs',
  runsEmpty: 'No run yet.',
  runSteps: (step: number, steps: number) => `step ${step} of ${steps}`,
  runOpen: `Open on ${pageName('train')}`,
  runLive: `It is going on: press ${control('stop')} on ${pageName('train')} first.`,
  runStates: {
    preparing: 'preparing',
    running: 'running',
    pausing: 'pausing',
    paused: 'paused',
    finished: 'finished',
    stopped: 'stopped',
    failed: 'failed',
  } satisfies Record<RunState, string>,
  storage: 'Storage',
  storageUsed: (used: number, quota: number) =>
    quota > 0 ? `${formatBytes(used)} used of about ${formatBytes(quota)}` : `${formatBytes(used)} used`,
  storageMeter: 'Part of the storage that is used',
  persisted: 'The browser promised not to clear it on its own.',
  notPersisted:
    'The browser may clear it when the device runs short of room. It is asked not to when the first adapter is saved; export what you want to keep for certain.',
  persist: 'Ask the browser to keep it',
  persistRefused:
    'The browser did not promise it. Some decide by how often a page is used: install it or bookmark it, and export what you want to keep for certain.',
  cleanUp: 'What could go',
  cleanUpReasons: {
    part: 'a download that was cut off; it can still go on.',
    saved: 'its adapter is saved, and stays.',
    unused: `not used for ${UNUSED_DAYS} days.`,
    large: 'takes the most room.',
  } satisfies Record<CleanUpReason, string>,
  storageItems: 'Everything that is kept. A press on a heading sorts by it.',
  storageColumns: {
    kind: 'Kind',
    name: 'Name',
    bytes: 'Size',
    usedAt: 'Last use',
    origin: 'From',
  } satisfies Record<StoredColumn, string>,
  storageUsedAt: (usedAt: number | null) => (usedAt === null ? '–' : new Date(usedAt).toLocaleDateString()),
  storageOrigins: {
    hub: 'the hub',
    run: 'a run here',
    import: 'files',
    coldStart: 'a cold start',
    here: 'made here',
  } satisfies Record<StoredItem['origin'], string>,
  storageTotal: (count: number) => `${count} ${count === 1 ? 'item' : 'items'} together`,
  storageUnknown: 'Not known yet.',
  items: { ...ITEMS, coldStart: 'Cold start', evaluation: 'Evaluation' },
  confirmTitle: (item: ItemKind, name: string) => `Delete ${ITEMS[item].toLowerCase()} “${name}”?`,
  confirmFrees: (bytes: number) => `This frees ${formatBytes(bytes)}. It cannot be undone.`,
  confirmWhat: {
    adapter: `Press ${control('exportAdapter')} first if you may want it again. Answers made with it stay.`,
    run: 'Its checkpoints, metrics and samples go with it. An adapter saved from it stays.',
    dataset: 'Its pictures, questions and answers go with it.',
    trace: 'Its picture, tokens and attention go with it.',
    model: 'To use it again, it has to be downloaded again. Adapters and runs made with it stay.',
  } satisfies Record<ItemKind, string>,
  confirmExport: 'Export it first',
  confirmExporting: 'Exporting…',
  confirmExportCancel: 'Stop exporting',
  confirmExported: 'Exported: look in your downloads.',
  confirmYes: 'Delete',
} as const;

/** What deleting an item means for a run that reads it, as one sentence. */
export function effectSentence({ run, effect }: DeletionEffect): string {
  switch (effect) {
    case 'live':
      return `The run “${run}” is reading it now: pause or stop the run first.`;
    case 'lost':
      return `The run “${run}” cannot be resumed without it.`;
    case 'kept':
      return `The run “${run}” continues it and can still be resumed: its checkpoint holds a copy.`;
  }
}

/** What the last command did, as one sentence. */
export function newsSentence(news: LibraryNews): string {
  switch (news.kind) {
    case 'deleted':
      return `${ITEMS[news.item]} “${news.name}” was deleted; ${formatBytes(news.bytes)} are free again.`;
    case 'imported':
      return `“${news.name}” was imported.`;
    case 'renamed':
      return `“${news.name}” was saved.`;
  }
}

/** A metric's value with three significant digits: `0.612`, `12.3`, `1200`. */
export function metricText(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const digits = Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(3);
  return Number(digits).toString();
}
