// The states of the Library and Models pages.

import { createDeviceCheck, type DeviceCheck } from '../../src/state/device_check';
import { createQualityState } from '../../src/state/model_quality';
import { LibraryPage } from '../../src/ui/library/library_page';
import { ModelsPage } from '../../src/ui/models/models_page';
import type { RestoreReport } from '../../src/worker/protocol/backup';
import { arrivalOf, FIT, HUB_MODEL, pauseDownload, startDownload } from '../state/arrival_script';
import { DEVICE_REPORT } from '../state/device_check_script';
import { adapterOf, datasetOf, runOf, settled, traceOf } from '../state/train_script';
import { type Stored, shelf } from '../ui/page_state';
import { type GalleryState, press } from './gallery_state';

const STORED = {
  adapters: [
    adapterOf('bundled', { name: 'Look-Back', bundled: true }),
    adapterOf('mine', {
      ...{ name: 'Mine', notes: 'Looks twice.', createdAt: 5, bytes: 3 << 20, parameters: 74_752 },
      run: { id: 'r1', method: 'sft', step: 90 },
      metrics: Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`metric${i}`, i / 3])),
    }),
    adapterOf('other', {
      ...{ name: 'Other', modelId: 'big', createdAt: 9, precision: 'int4' },
      caution: 'Trained over other weights.',
    }),
  ],
  runs: [runOf('r1'), runOf('r2', { state: 'running' })],
  datasets: [datasetOf('d1', 40, 12)],
  traces: [
    traceOf('t1', { usedAt: 1e12, bytes: 9e4 }),
    traceOf('t2', {
      ...{ name: 'How many of the shapes in the third row are neither red nor squares, if any are at all ?' },
      ...{ adapter: 'Look-Back', origin: 'import', usedAt: 1.1e12, bytes: 4e6 },
    }),
  ],
} satisfies Stored;

const USAGE = {
  ...{ usedBytes: 5e8, quotaBytes: 6e8, persisted: false },
  items: (
    [
      ['model', 'm', 'organisation/a-rather-long-name-of-a-model', 4e8, 'hub', false],
      ['adapter', 'mine', 'Mine', 3 << 20, 'run', true],
      ['run', 'r1', 'Pocket GRPO, quick', 9e6, 'here', true],
      ['dataset', 'd1', 'Dataset d1', 8e7, 'import', true],
      ['trace', 't1', 'How many red squares ?', 9e4, 'here', true],
    ] as const
  ).map(([kind, id, name, bytes, origin, whole]) => {
    return { kind, id, name, bytes, origin, whole, usedAt: whole ? 1e12 : null };
  }),
};

const ZIP = { path: 'look-back.zip', blob: new Blob() };

const RESTORED: RestoreReport = {
  items: [
    { kind: 'dataset', name: 'Dataset d1', outcome: 'restored', detail: null },
    { kind: 'adapter', name: 'Mine', outcome: 'renamed', detail: 'Mine (restored)' },
    { kind: 'run', name: 'Pocket GRPO, quick', outcome: 'kept', detail: null },
    {
      ...{ kind: 'dataset', name: 'Another of a long name', outcome: 'refused' },
      detail: 'datasets/002-Another/metadata.jsonl, line 17 cannot be restored: question: Invalid type.',
    },
  ],
  ...{ cancelled: true, createdAt: 1e12, settings: { 'look-back/plan': '{}' } },
  models: [{ id: 'organisation/a-rather-long-name', revision: 'main', commit: 'c0ffeec0ffee', here: false }],
};

type Made = Awaited<ReturnType<typeof shelf>>;

function library(
  name: string,
  stored: Stored,
  act: (made: Made) => Promise<unknown> = async () => undefined,
): GalleryState {
  const make = async () => {
    const made = await shelf(stored);
    const draw = () => (
      <LibraryPage {...{ library: made.library, hubAdapter: made.hubAdapter, backup: made.backup }} />
    );
    const after = async () => {
      await made.engine.resolve('listAdapters', stored.adapters ?? []);
      await made.engine.resolve('listRuns', stored.runs ?? []);
      await made.engine.resolve('listDatasets', stored.datasets ?? []);
      await made.engine.resolve('listStoredModels', []);
      await made.engine.resolve('listTraces', stored.traces ?? []);
      await act(made);
    };
    return { ...made, draw, after };
  };
  return { name: `library/${name}`, page: 'library', make };
}

function models(
  name: string,
  act: (made: Made & ReturnType<typeof arrivalOf> & { readonly check: DeviceCheck }) => Promise<unknown>,
): GalleryState {
  const make = async () => {
    const made = await shelf();
    const parts = arrivalOf(made);
    const quality = createQualityState(made.engine);
    const check = createDeviceCheck(made.engine);
    const { arrival } = parts;
    const draw = () => <ModelsPage {...{ arrival, quality, check }} library={made.library} />;
    return { ...made, draw, after: async () => void (await act({ ...made, ...parts, check })) };
  };
  return { name: `models/${name}`, page: 'models', make };
}

/** The states. */
export const LIBRARY_STATES: readonly GalleryState[] = [
  library('empty', {}),
  library('filled', STORED, ({ engine }) => engine.resolve('storageUsage', USAGE)),
  library('rename', STORED, () => press('[data-testid="adapter-rename"]')),
  library('delete', STORED, () => press('[data-testid="adapter-delete"]')),
  library('full', STORED, async ({ library: stored, engine }) => {
    void stored.renameAdapter('mine', { name: 'New', notes: '' });
    await engine.reject('renameAdapter', { code: 'storage/full', message: 'About 0.1 GiB is missing.' });
  }),
  library('delete-dataset', { datasets: STORED.datasets }, async ({ engine }) => {
    await engine.resolve('storageUsage', USAGE);
    await press('[aria-label^="Delete dataset"]');
    await press('[data-testid="export-first"]');
  }),
  library('rename-look', { traces: STORED.traces }, () =>
    press('[data-testid="library-trace"] [aria-label^="Rename"]'),
  ),
  library('exporting', {}, async ({ backup, engine }) => {
    void backup.write();
    await settled();
    const progress = {
      phase: 'writing',
      name: 'A dataset of a rather long name',
      done: 3e8,
      total: 9e8,
    } as const;
    engine.emit({ type: 'backupProgressed', progress });
  }),
  library('exported', {}, async ({ backup, engine }) => {
    void backup.write();
    await settled();
    await engine.resolve('writeBackup', { file: new File([], 'x'), bytes: 9e8, items: 12 });
  }),
  library('comparing', {}, async ({ backup }) => {
    void backup.restore(Promise.resolve([ZIP]));
  }),
  library('restored', {}, async ({ backup, engine }) => {
    void backup.restore(Promise.resolve([ZIP]));
    await settled();
    await engine.resolve('restoreBackup', RESTORED);
  }),
  library('no-backup', {}, async ({ backup, engine }) => {
    void backup.restore(Promise.resolve([ZIP]));
    await settled();
    const message = 'pictures.zip cannot be restored: it holds no library.json.';
    await engine.reject('restoreBackup', { code: 'storage/backup', message });
  }),
  library('unreadable', {}, async ({ library: stored, engine }) => {
    void stored.refresh();
    await engine.reject('listRuns', { code: 'storage/blocked', message: 'An older tab is open.' });
  }),
  library('hub-adapter', STORED, async ({ hubAdapter, engine }) => {
    void hubAdapter.fetch({ id: 'org/lora', revision: null });
    engine.emit({ type: 'downloadProgressed', id: 'org/lora', loaded: 1 << 20, total: 4 << 20 });
  }),
  models('list', async () => undefined),
  models('fits', async ({ arrival, engine }) => {
    void arrival.choose(HUB_MODEL);
    await engine.resolve('assessModel', FIT);
  }),
  models('too-large', async ({ arrival, engine }) => {
    void arrival.choose(HUB_MODEL);
    const limit = 'This device did not give 9.0 GiB at once.';
    const advice = 'Set the context to 2048 tokens: then it takes 1.0 GiB and fits.';
    await engine.resolve('assessModel', { ...FIT, fits: false, limit, advice });
  }),
  models('downloading', ({ arrival, engine }) => startDownload(arrival, engine)),
  models('paused', async ({ arrival, engine }) => {
    await startDownload(arrival, engine);
    await pauseDownload(arrival, engine);
  }),
  models('checking', async ({ check, engine }) => {
    void check.start();
    engine.emit({ type: 'deviceCheckProgressed', phase: 'kernels', done: 30, total: 120 });
  }),
  models('checked', async ({ check, engine }) => {
    void check.start();
    const { kernels } = DEVICE_REPORT;
    const disabled = [{ name: 'gemm/tiled_64', reason: 'Error 1.0, allowed 1e-4.' }];
    await engine.resolve('checkDevice', { ...DEVICE_REPORT, kernels: { ...kernels, disabled, left: 3 } });
  }),
  models('gated', async ({ arrival, engine }) => {
    void arrival.choose(HUB_MODEL);
    const page = 'https://huggingface.co/org/model';
    await engine.reject('assessModel', { code: 'model/hub-gated', message: 'It is gated.', data: { page } });
  }),
];
