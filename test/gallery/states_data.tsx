// The states of the Data page and of the cold start that it leads to.

import { type ColdStart, createColdStart } from '../../src/state/cold_start';
import { createDatasets, type Datasets } from '../../src/state/datasets';
import { ColdStartPage } from '../../src/ui/cold_start/cold_start_page';
import { DataPage } from '../../src/ui/data/data_page';
import type { ColdStartView } from '../../src/worker/protocol/cold_start';
import type { DatasetPreview } from '../../src/worker/protocol/library';
import { COLD_VIEW } from '../state/cold_start_script';
import { datasetOf } from '../state/train_script';
import { shelf } from '../ui/page_state';
import { drawnPicture, type GalleryState } from './gallery_state';

const DATASETS = [datasetOf('d1', 40, 12), datasetOf('d2', 3, 0)];

async function previewOf(): Promise<DatasetPreview> {
  return {
    ...{ token: 't1', columns: ['pic', 'q', 'gold', 'A', 'B', 'C'], rows: 98, withResponse: 40 },
    mapping: { image: 'pic', question: 'q', answer: 'gold', response: null, system: null, options: [] },
    problems: [
      { file: 'd.jsonl', row: 3, reason: 'no image' },
      { file: 'extra.bin', row: null, reason: 'is no table' },
    ],
    ...{ moreProblems: 1999, moreWarnings: 4 },
    warnings: [
      { kind: 'duplicate', file: 'd.jsonl', row: 9, reason: 'is the same as row 8' },
      { kind: 'unknown words', file: 'd.jsonl', row: null, reason: '40 % of the words' },
    ],
    splits: [
      { name: 'train', rows: 98 },
      { name: 'test', rows: null },
    ],
    split: 'train',
    sample: [
      {
        ...{ image: await drawnPicture(), imageName: 'a.png', question: 'How many?', answer: '3' },
        response: null,
      },
    ],
  };
}

type Made = Awaited<ReturnType<typeof shelf>> & { readonly datasets: Datasets };

function data(name: string, act: (made: Made) => Promise<unknown> = async () => undefined): GalleryState {
  const make = async () => {
    const made = await shelf({ datasets: name === 'empty' ? [] : DATASETS });
    const datasets = createDatasets(made.engine, made.library);
    const draw = () => (
      <DataPage datasets={datasets} library={made.library} coldStart={async () => () => null} />
    );
    return { ...made, draw, after: async () => void (await act({ ...made, datasets })) };
  };
  return { name: `data/${name}`, page: 'data', make };
}

const take = (datasets: Datasets) => datasets.take([{ path: 'zoo.jsonl', blob: new Blob(['x']) }]);

function coldStart(
  name: string,
  view: ColdStartView | null,
  then: (state: ColdStart) => void = () => undefined,
): GalleryState {
  const make = async () => {
    const made = await shelf({ datasets: DATASETS });
    const state = createColdStart(made.engine);
    const draw = () => <ColdStartPage coldStart={state} library={made.library} />;
    const after = async () => {
      await made.engine.resolve('readColdStart', view);
      then(state);
    };
    return { ...made, draw, after };
  };
  return { name: `cold-start/${name}`, page: 'data', make };
}

/** Another model is to write the looks. */
const OTHER_WRITES: ColdStartView = {
  ...COLD_VIEW,
  plan: { ...COLD_VIEW.plan, insert: 'model', writerModel: { id: 'org/other', name: 'Other' } },
  insertion: { ...COLD_VIEW.insertion, written: 0, examples: [] },
};

/** The states. */
export const DATA_STATES: readonly GalleryState[] = [
  data('empty'),
  data('list'),
  data('reading', async ({ datasets, engine }) => {
    void take(datasets);
    engine.emit({ type: 'importProgressed', progress: { phase: 'table', done: 30, total: 100 } });
  }),
  data('preview', async ({ datasets, engine }) => {
    void take(datasets);
    await new Promise((done) => setTimeout(done));
    await engine.resolve('previewDataset', await previewOf());
  }),
  data('refused', async ({ datasets, engine }) => {
    void take(datasets);
    await new Promise((done) => setTimeout(done));
    await engine.reject('previewDataset', {
      code: 'data/dataset-table',
      message: 'zoo.jsonl, row 1: no JSON.',
    });
  }),
  coldStart('form', null),
  coldStart('stages', COLD_VIEW),
  coldStart('writer', OTHER_WRITES),
  coldStart('exchange', OTHER_WRITES, (state) => void state.run('self')),
  coldStart('elsewhere', { ...COLD_VIEW, atWork: 'elsewhere' }),
];
