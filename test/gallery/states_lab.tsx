// The states of the Lab page: what can be measured, what was, and the results of an experiment. The page reads its place
// from the address.

import { createEvaluations, type Evaluations } from '../../src/state/evaluations';
import { createResults } from '../../src/state/results';
import { LabPage } from '../../src/ui/evaluation/lab_page';
import type { EvaluationView } from '../../src/worker/protocol/evaluation';
import { EVALUATION_ITEMS, EVALUATION_VIEW, REPLACED_VIEW } from '../state/evaluation_script';
import { shippedOf } from '../state/shipped_script';
import { adapterOf, datasetOf } from '../state/train_script';
import { shelf } from '../ui/page_state';
import type { GalleryState } from './gallery_state';

function state(
  name: string,
  hash: string,
  list: readonly EvaluationView[],
  fill: (evaluations: Evaluations) => void = () => undefined,
): GalleryState {
  const make = async () => {
    location.hash = hash;
    const made = await shelf({ adapters: [adapterOf('a1')], datasets: [datasetOf('d1', 3, 3)] });
    const evaluations = createEvaluations(made.engine);
    fill(evaluations);
    const { experiment } = shippedOf({
      base: [['base', '10100000']],
      one: [[1, '11000001']],
    });
    const results = createResults(async (file) =>
      file === 'results.json' ? [{ name: 'small', question: 'Better?' }] : experiment,
    );
    const draw = () => <LabPage {...{ evaluations, results }} library={made.library} />;
    const after = async () => {
      if (hash.includes('/results/')) return;
      await made.engine.resolve('listEvaluations', list);
      if (!hash.includes('/evaluation/')) return;
      await made.engine.resolve('readEvaluation', list[0]);
      await made.engine.resolve('readEvaluationItems', EVALUATION_ITEMS);
    };
    return { ...made, draw, after };
  };
  return { name: `lab/${name}`, page: 'lab', make };
}

/** The states. */
export const LAB_STATES: readonly GalleryState[] = [
  state('empty', '#/lab', []),
  state('list', '#/lab', [EVALUATION_VIEW]),
  state('looks', '#/lab', [], (evaluations) => {
    for (const at of [0, 1])
      evaluations.setSide(at, { adapter: null, mode: 'cot', ...(at === 1 && { look: 'blank_picture' }) });
  }),
  state('looks_refused', '#/lab', [], (evaluations) => {
    evaluations.setSide(0, { adapter: null, mode: 'cot', look: 'neutral' });
    evaluations.set('temperature', 1);
  }),
  state('evaluation', '#/lab/evaluation/e1', [EVALUATION_VIEW]),
  state('replaced', '#/lab/evaluation/e1', [REPLACED_VIEW]),
  state('results', '#/lab/results/small', []),
];
