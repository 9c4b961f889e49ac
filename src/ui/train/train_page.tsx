// Draws the Train page: plan beside run, curves, answers and runs; it is loaded when it is first opened. Its one
// polite live region speaks of states and evaluations, never of steps.

import { computed } from '@preact/signals';
import { useContext, useEffect } from 'preact/hooks';
import type { Library } from '../../state/library';
import type { Train } from '../../state/train';
import { LookContext } from '../look/look_context';
import { announcement } from './announcements';
import { CurvesPanel } from './curves_panel';
import { GroupsPanel } from './groups_panel';
import { guardRuns } from './page_guard';
import { PlanPanel } from './plan_panel';
import { RunPanel } from './run_panel';
import { RunsPanel } from './runs_panel';
import { SamplesPanel } from './samples_panel';
import { TrainContext, useLiveRun, usePlan, useShown } from './train_context';
import { TRAIN_COPY } from './train_copy';
import { listenToTrainKeys } from './train_keys';
import '../styles/train.css';

/** Groups are GRPO's; answers are whose evaluations sampled some. */
function Answers() {
  const shown = useShown();
  const form = usePlan();
  const method = shown.selected.value?.plan.method ?? form.plan.value.method;
  const evaluated = (shown.record.value?.evaluations.length ?? 0) > 0;
  return (
    <>
      {(method === 'sft' || evaluated) && <SamplesPanel />}
      {method === 'grpo' && <GroupsPanel />}
    </>
  );
}

function Announcer() {
  const live = useLiveRun();
  return (
    <p class="visually-hidden" role="status" data-testid="train-status">
      {announcement(live.news.value)}
    </p>
  );
}

/** The page. `library` is the shell's; what a plan chooses among comes from `train` itself. */
export function TrainPage({ train }: { readonly train: Train; readonly library: Library }) {
  const look = useContext(LookContext);
  useEffect(() => {
    guardRuns(train.live);
    if (look !== null) {
      const loaded = computed(() => look.session.value.model?.entry.id ?? null);
      train.models.useModels({ models: look.models, loaded, load: look.loadModel });
    }
    void train.open();
    return listenToTrainKeys(train);
  }, [train, look]);
  return (
    <TrainContext.Provider value={train}>
      <div class="train" data-testid="train-page">
        <p class="train-intro">{TRAIN_COPY.intro}</p>
        <PlanPanel />
        <div class="train-main">
          <RunPanel />
          <CurvesPanel />
          <Answers />
          <RunsPanel />
        </div>
        <Announcer />
      </div>
    </TrainContext.Provider>
  );
}
