// Checks a whole training plan, as the page sends it and a run keeps it: settings by the table, besides the model, the
// source and the adapter that it names.

import { evaluatesHeldOut } from './held_out_settings';
import {
  defaultsOf,
  effectiveProblems,
  givenProblems,
  merged,
  readerOf,
  type SettingProblem,
  settingAt,
} from './read_settings';
import { choice, type ReadSetting, text } from './setting';
import { TRAIN_SETTINGS, type TrainConfig } from './train_settings';

/** Where examples come from. */
export const SOURCE_KIND = choice(
  'shapes_world',
  { shapes_world: 'Built-in world of sheets and photographs', dataset: 'A dataset' },
  { group: 'kind', label: 'Questions from' },
);

/** Another dataset to evaluate on. */
const EVAL_DATASET = text(null, {
  group: 'evaluation',
  label: 'Evaluate on',
  when: evaluatesHeldOut,
});

/** The settings of a plan, those included that choose among stored things. */
const PLAN_SETTINGS = {
  ...TRAIN_SETTINGS,
  modelId: text('', { group: 'kind', label: 'Base model' }),
  adapterId: text(null, { group: 'kind', label: 'Adapter' }),
  evalDatasetId: EVAL_DATASET,
  'source.kind': SOURCE_KIND,
  'source.datasetId': text(null, { group: 'kind', label: 'Dataset', source: 'dataset' }),
} as const;

/** Sections that a configuration replaces as a whole: a reward that it leaves out weighs nothing. */
export const WHOLE_SECTIONS = ['grpo.rewardWeights'] as const;

/**
 * Everything that keeps a plan from being run: unknown keys, and settings with an effect that cannot be used.
 * Settings without an effect on this plan are passed over.
 */
export function planProblems(plan: unknown): readonly SettingProblem[] {
  const of = readerOf(plan);
  const unknown = givenProblems(PLAN_SETTINGS, plan).filter(
    ({ path }) => !Object.hasOwn(PLAN_SETTINGS, path),
  );
  return [...unknown, ...effectiveProblems(PLAN_SETTINGS, of)];
}

/** A plan with the default of every setting that it lacks, e.g. one that was kept before a setting came to be. */
export function completePlan<T extends TrainConfig>(plan: T): T {
  const { source, ...others } = defaultsOf(TRAIN_SETTINGS);
  // Rows have no settings of the world.
  const defaults = settingAt(plan, 'source.kind') === 'shapes_world' ? { ...others, source } : others;
  return merged(PLAN_SETTINGS, defaults as unknown as T, plan);
}

/** What decides which settings of a trainer have an effect. */
export interface ConfigFacts {
  readonly method: 'sft' | 'grpo';
  readonly source: 'shapes_world' | 'dataset';
  /** True when an adapter is continued. */
  readonly continues: boolean;
}

const FACT_PATHS = ['method', 'mode', 'name', 'saveSteps'];

/** Settings with an effect that a trainer cannot use; those of the loop and of the source are not looked at. */
export function configProblems(config: TrainConfig, facts: ConfigFacts): readonly SettingProblem[] {
  const inConfig = readerOf(config);
  const of: ReadSetting = (path) => {
    if (path === 'method') return facts.method;
    if (path === 'source.kind') return facts.source;
    if (path === 'adapterId') return facts.continues ? '' : null;
    return inConfig(path);
  };
  const read = Object.fromEntries(
    Object.entries(TRAIN_SETTINGS).filter(
      ([path]) => !path.startsWith('source.') && !FACT_PATHS.includes(path),
    ),
  );
  return effectiveProblems(read, of);
}
