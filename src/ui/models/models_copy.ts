// Holds every sentence of the Models page. Numbers come with their unit, and what a download takes is said before it.

import { formatBytes } from '../../lib/format';
import type { FitPart, ModelFit } from '../../worker/protocol/models';
import { CONTROLS, pageName } from '../controls';
import { durationText } from '../train/figures_text';

const FAMILIES: Readonly<Record<string, string>> = {
  qwen2_5_vl: 'Qwen2.5-VL',
  qwen2_vl: 'Qwen2-VL',
  qwen3_vl: 'Qwen3-VL',
  idefics3: 'SmolVLM',
  smolvlm: 'SmolVLM2',
};

/** Fixed texts. */
export const MODELS_COPY = {
  title: 'Models',
  about:
    'Pocket comes with the page and knows colours and drawn shapes alone. Larger models know what is on a photograph; they are downloaded once, kept in this browser, and run on this device.',
  choose: 'Choose a model',
  builtIn: 'Comes with the page',
  catalogue: 'From the hub',
  stored: 'on this device',
  arriving: 'a part of a download: it goes on where it was',
  part: (bytes: number) => `${formatBytes(bytes)} have arrived`,
  unknownSize: 'size read when it is chosen',
  billion: (parameters: number) =>
    parameters >= 1e9
      ? `${(parameters / 1e9).toFixed(1)} B parameters`
      : `${parameters >= 1e6 ? `${Math.round(parameters / 1e6)} M` : parameters.toLocaleString('en')} parameters`,
  other: 'Another model of the hub',
  otherId: 'Name on the hub',
  otherIdExample: 'organisation/name',
  otherWhy: 'or the address of its page',
  otherNot: 'Write organisation/name, or paste the address of its page.',
  otherRevision: 'Branch, tag or commit',
  otherLook: 'Look it up',
  folder: 'A folder on this device',
  folderPick: 'Choose a folder',
  folderHint:
    'or drop one anywhere on this page: config.json, model.safetensors and the tokenizer, as on the hub. It is read in place, and forgotten when the page is closed.',
  hub: CONTROLS.hubAccess.label,
  hubAddress: 'Address of the hub',
  hubAddressWhy:
    'Or of a mirror with the same paths: at this page’s own address, or on this computer (http://localhost:…).',
  hubToken: 'Token',
  hubTokenWhy:
    'For models that ask for a permission: accept the licence on the model’s page, then make a token that may read. It stays in this tab’s memory and is sent to this address only.',
  hubUse: 'Use',
  hubUsed: 'In use.',
  verdict: 'Does it fit?',
  nothing: 'Choose a model to see what it takes, before anything is downloaded.',
  judging: 'Reading its settings and trying what it takes…',
  unjudged: 'It could not be judged: the message above says why.',
  precision: 'Precision of the weights',
  precisionAuto: (used: string) => `automatic (${used})`,
  precisions: { bf16: '16 bits (bf16)', int8: '8 bits (int8)', int4: '4 bits (int4)' },
  imageTokens: 'Most image tokens',
  pixels: (pixels: number) => `pictures up to ${(pixels / 1e6).toFixed(1)} megapixels`,
  context: 'Context',
  contextWhy: 'tokens of a question with its answer',
  cachePerToken: (bytes: number) => `${formatBytes(bytes)} of cache per token`,
  fits: (bytes: number) => `Fits this device: it takes ${formatBytes(bytes)} of graphics memory.`,
  tight: (bytes: number) =>
    `Fits this device, but tightly: it takes ${formatBytes(bytes)} of graphics memory, and a quarter more was refused.`,
  tightWhat:
    'Close other pages that use the graphics device, or choose fewer image tokens or a shorter context.',
  fitsNot: 'Does not fit this device.',
  software:
    'This device computes in software, without a graphics card: an answer of a model of this size takes minutes to hours.',
  partsTitle: 'Graphics memory',
  parts: { weights: 'Weights', cache: 'Cache', activations: 'Working memory' } satisfies Record<
    FitPart['name'],
    string
  >,
  together: 'Together',
  weightsBy: (weights: ModelFit['weightBytes']) =>
    `Weights by precision: ${weights.map(({ precision, bytes }) => `${precision} ${formatBytes(bytes)}`).join(', ')}.`,
  noRoom: (need: number, free: number) =>
    `The download takes ${formatBytes(need)}, but the browser has about ${formatBytes(free)} for this page: delete models, runs or datasets on ${pageName('library')}, or free space on this device.`,
  toDownload: (bytes: number, free: number | null) =>
    free === null
      ? `${formatBytes(bytes)} to download.`
      : `${formatBytes(bytes)} to download; about ${formatBytes(free)} are free in this browser.`,
  nothingToDownload: 'Nothing to download.',
  facts: (fit: ModelFit) => `${FAMILIES[fit.family] ?? fit.family}, ${MODELS_COPY.billion(fit.parameters)}`,
  bring: (bytes: number) => `Download ${formatBytes(bytes)} and load`,
  bringAnyway: (bytes: number) => `Download ${formatBytes(bytes)} all the same`,
  load: 'Load',
  waitDownload: 'A download is under way: its progress stands above.',
  waitLoad: 'A model is being loaded: wait a moment.',
  loadAgain: 'Load it again with these settings',
  loaded: 'It is loaded: ask it about your picture.',
  ask: `Go to ${pageName('look')}`,
  licence: 'Its page on the hub',
  downloading: (id: string) => `Downloading ${id}`,
  paused: (id: string) => `The download of ${id} is paused`,
  pausing: 'Pausing…',
  progress: 'What has arrived',
  asking: 'Asking the hub…',
  pace: (speed: number | null, left: number | null) =>
    [speed === null ? '' : `${formatBytes(speed)}/s`, left === null ? '' : `${durationText(left)} left`]
      .filter(Boolean)
      .join(', '),
  of: (loaded: number, total: number) => `${formatBytes(loaded)} of ${formatBytes(total)}`,
  pause: CONTROLS.pauseDownload.label,
  resume: CONTROLS.resumeDownload.label,
  cancel: 'Cancel',
  cancelTitle: (id: string) => `Cancel the download of ${id}?`,
  cancelWhat: (bytes: number) =>
    `${formatBytes(bytes)} have arrived and would be deleted. Pause it to keep them: it then goes on where it was, also after the page was closed.`,
  cancelYes: 'Cancel and delete',
  cancelNo: 'Keep it',
} as const;

/** A verdict in words: what it comes to, and what limits it or can be done. */
export function verdictWords({ fits, tight, bytes, limit, advice }: ModelFit): {
  readonly headline: string;
  readonly rest: string;
} {
  if (!fits) return { headline: MODELS_COPY.fitsNot, rest: [limit, advice].filter(Boolean).join(' ') };
  return tight
    ? { headline: MODELS_COPY.tight(bytes), rest: MODELS_COPY.tightWhat }
    : { headline: MODELS_COPY.fits(bytes), rest: '' };
}
