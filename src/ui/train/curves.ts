// Says which metrics are drawn together, what each chart means, and which charts a run has, or several runs that are
// compared.

import type { TrainingMethod } from '../../settings/train_settings';
import type { Unit } from './figures_text';
import { TRAIN_COPY } from './train_copy';

/** One line of a chart. Lines are told apart by dash and width; the accent is for looking back alone. */
export interface CurveLine {
  readonly metric: string;
  readonly label: string;
  readonly look: 'first' | 'second' | 'third' | 'accent';
  /** Measured at some steps only: points are marked, and joined. */
  readonly sparse?: boolean;
}

/** Lines over one axis, with their definition. */
export interface CurveChart {
  readonly id: string;
  readonly title: string;
  readonly definition: string;
  readonly unit: Unit;
  /** Ends of the y axis at least; the data may widen it. Null lets the data alone decide. */
  readonly range: readonly [number, number] | null;
  readonly lines: readonly CurveLine[];
}

const line = (
  metric: string,
  label: string,
  look: CurveLine['look'] = 'first',
  sparse = false,
): CurveLine => ({
  metric,
  label,
  look,
  ...(sparse ? { sparse } : {}),
});

const REWARD: CurveChart = {
  id: 'reward',
  title: 'Reward',
  definition:
    'Mean over all sampled answers of a step. Total is the weighted sum; accuracy is the share with the right answer in the box; format scores the form alone.',
  unit: 'number',
  range: [0, 1],
  lines: [
    line('reward', 'total'),
    line('rewards/accuracy/mean', 'accuracy', 'second'),
    line('rewards/format/mean', 'format', 'third'),
  ],
};

const BACKS: CurveChart = {
  id: 'backs',
  title: 'Looking back',
  definition:
    'Share of sampled answers that look back in a well-formed way, and share whose look back has no content.',
  unit: 'share',
  range: [0, 1],
  lines: [
    line('look_back/trigger_rate', 'looks back', 'accent'),
    line('look_back/empty_back_rate', 'empty', 'second'),
  ],
};

const ATTENTION: CurveChart = {
  id: 'attention',
  title: 'Attention on the image',
  definition:
    'Share of attention that falls on the image, mean over heads and layers: late in the first thought, inside the look back, and in the thought after it. Absent where no answer looked back.',
  unit: 'share',
  range: [0, 0.2],
  lines: [
    line('look_back/image_attention_inside', 'inside', 'accent'),
    line('look_back/image_attention_before', 'before', 'second'),
    line('look_back/image_attention_after', 'after', 'third'),
  ],
};

const LENGTH: CurveChart = {
  id: 'length',
  title: 'Length of answers',
  definition: 'Mean tokens of a sampled answer, and of its look back where there is one.',
  unit: 'tokens',
  range: [0, 10],
  lines: [line('completions/mean_length', 'answer'), line('look_back/back_length', 'look back', 'accent')],
};

const SFT_LOSS: CurveChart = {
  id: 'loss',
  title: 'Loss',
  definition:
    'Mean negative log-likelihood per token of the written answers: of the batch just learned, and of examples held out.',
  unit: 'number',
  range: [0, 0],
  lines: [line('loss', 'training'), line('eval_loss', 'held out', 'second', true)],
};

const HELD_OUT: CurveChart = {
  id: 'held-out',
  title: 'Held-out questions',
  definition:
    'Of the held-out questions, answered greedily at each evaluation: the share that is right, the ends of its 95 % interval, and the share that looks back.',
  unit: 'share',
  range: [0, 1],
  lines: [
    line('eval_accuracy', 'right', 'first', true),
    line('eval_accuracy_low', 'from', 'third', true),
    line('eval_accuracy_high', 'to', 'third', true),
    line('eval_look_back/trigger_rate', 'looks back', 'accent', true),
  ],
};

const HELD_OUT_MORE: readonly CurveChart[] = [
  {
    id: 'held-out-kinds',
    title: 'Held-out accuracy by kind',
    definition: 'Share of right answers among held-out questions of one kind.',
    unit: 'share',
    range: [0, 1],
    lines: [
      line('eval_accuracy/visual', 'needs the picture', 'second', true),
      line('eval_accuracy/text', 'does not', 'third', true),
    ],
  },
  {
    id: 'held-out-length',
    title: 'Length of held-out answers',
    definition: 'Mean tokens of a greedy answer to a held-out question.',
    unit: 'tokens',
    range: [0, 10],
    lines: [line('eval_completions/mean_length', 'answer', 'first', true)],
  },
  {
    id: 'held-out-faults',
    title: 'Held-out answers without an end or a look',
    definition: 'Share that was cut off at the longest length, and share whose look back has no content.',
    unit: 'share',
    range: [0, 0.1],
    lines: [
      line('eval_completions/clipped_ratio', 'cut off', 'first', true),
      line('eval_look_back/empty_back_rate', 'empty', 'second', true),
    ],
  },
  {
    id: 'held-out-attention',
    title: 'Attention on held-out images',
    definition:
      'Share of attention that falls on the image in greedy answers that look back: inside the look, and late in the thought before it.',
    unit: 'share',
    range: [0, 0.2],
    lines: [
      line('eval_look_back/image_attention_inside', 'inside', 'accent', true),
      line('eval_look_back/image_attention_before', 'before', 'second', true),
    ],
  },
  {
    id: 'held-out-flips',
    title: 'Changes of mind on held-out questions',
    definition:
      'Of the greedy answers that looked back after arriving at a result: share that turned right, and share that turned wrong.',
    unit: 'share',
    range: [0, 0.1],
    lines: [
      line('eval_look_back/wrong_to_right', 'wrong to right', 'accent', true),
      line('eval_look_back/right_to_wrong', 'right to wrong', 'second', true),
    ],
  },
];

const TOKEN_ACCURACY: CurveChart = {
  id: 'token-accuracy',
  title: 'Token accuracy',
  definition: 'Share of tokens of the written answers that the model would have chosen itself.',
  unit: 'share',
  range: [0, 1],
  lines: [
    line('mean_token_accuracy', 'training'),
    line('eval_mean_token_accuracy', 'held out', 'second', true),
  ],
};

const GRPO_LOSS: CurveChart = {
  id: 'loss',
  title: 'Loss',
  definition:
    'The policy loss that was minimised. With one update per sample it hovers around 0 and says little; watch the reward.',
  unit: 'number',
  range: null,
  lines: [line('loss', 'policy loss')],
};

const SHARED: readonly CurveChart[] = [
  {
    id: 'grad-norm',
    title: 'Gradient norm',
    definition: 'Length of the whole gradient before clipping.',
    unit: 'number',
    range: [0, 0],
    lines: [line('grad_norm', 'norm')],
  },
  {
    id: 'learning-rate',
    title: 'Learning rate',
    definition: 'As the schedule gave it for the step.',
    unit: 'tiny',
    range: [0, 0],
    lines: [line('learning_rate', 'rate')],
  },
  {
    id: 'entropy',
    title: 'Entropy',
    definition: 'Mean entropy of the next-token distribution, in nats: how undecided the model is.',
    unit: 'number',
    range: [0, 0],
    lines: [line('entropy', 'entropy')],
  },
  {
    id: 'step-time',
    title: 'Time per step',
    definition: 'Wall time of each step on this device.',
    unit: 'seconds',
    range: [0, 0],
    lines: [line('step_time', 'time')],
  },
  {
    id: 'tokens',
    title: 'Tokens of a step',
    definition: 'SFT: response tokens that the loss is a mean of. GRPO: tokens that were sampled.',
    unit: 'tokens',
    range: [0, 10],
    lines: [line('step_tokens', 'tokens')],
  },
];

const GRPO_MORE: readonly CurveChart[] = [
  GRPO_LOSS,
  {
    id: 'kl',
    title: 'KL to the reference',
    definition: 'Estimate (k3) of the divergence from the model before this run, mean over tokens.',
    unit: 'number',
    range: [0, 0],
    lines: [line('kl', 'KL')],
  },
  {
    id: 'clip',
    title: 'Clipping and cut answers',
    definition:
      'Share of tokens whose update was clipped, and share of answers that were cut off at the longest length.',
    unit: 'share',
    range: [0, 0.05],
    lines: [
      line('clip_ratio/region_mean', 'updates clipped'),
      line('completions/clipped_ratio', 'answers cut', 'second'),
    ],
  },
  {
    id: 'groups',
    title: 'Groups that teach nothing',
    definition: 'Share of groups whose rewards are all equal, and share that was left out of the update.',
    unit: 'share',
    range: [0, 1],
    lines: [line('frac_reward_zero_std', 'equal rewards'), line('dropped_groups', 'left out', 'second')],
  },
  {
    id: 'reward-std',
    title: 'Spread of rewards',
    definition: 'Standard deviation of the reward inside a group, mean over groups.',
    unit: 'number',
    range: [0, 0.5],
    lines: [line('reward_std', 'deviation')],
  },
  {
    id: 'flips',
    title: 'Changes of mind',
    definition:
      'Of the answers that looked back after arriving at a result: share whose first result was wrong and whose box is right, and the other way round.',
    unit: 'share',
    range: [0, 0.1],
    lines: [
      line('look_back/wrong_to_right', 'wrong to right', 'accent'),
      line('look_back/right_to_wrong', 'right to wrong', 'second'),
    ],
  },
  {
    id: 'accuracy',
    title: 'Accuracy by kind',
    definition: 'Share of right answers among all, and among questions of one kind.',
    unit: 'share',
    range: [0, 1],
    lines: [
      line('accuracy', 'all'),
      line('accuracy/visual', 'needs the picture', 'second'),
      line('accuracy/text', 'does not', 'third'),
    ],
  },
  {
    id: 'strict',
    title: 'Strict form',
    definition: 'Share of answers that the strict grammar accepts as a look back with content.',
    unit: 'share',
    range: [0, 1],
    lines: [line('look_back/strict_format_rate', 'accepted', 'accent')],
  },
];

/** Metrics without a chart of their own; the exported file has them. */
const UNDRAWN =
  /^rewards\/.*\/std$|^completions\/(min|max|mean_terminated)_length$|^clip_ratio\/(low|high)_mean$|^epoch$|^eval_(runtime|answers)$/;

/** Charts of a run: those that matter most, shown even while empty, and the others that have data. */
export interface CurveSet {
  readonly hero: readonly CurveChart[];
  readonly more: readonly CurveChart[];
}

/** Rewards beyond the two that every chart has join the chart of rewards. */
function withRewards(names: readonly string[]): CurveChart {
  const known = REWARD.lines.map(({ metric }) => metric);
  const others = names.flatMap((name) => {
    const reward = /^rewards\/(.+)\/mean$/.exec(name)?.[1];
    return reward === undefined || known.includes(name) ? [] : [line(name, reward, 'third')];
  });
  return { ...REWARD, lines: [...REWARD.lines, ...others] };
}

/** The charts of a method for the metrics that were logged, by their names. */
export function curvesOf(method: TrainingMethod, names: readonly string[]): CurveSet {
  const evaluated = names.includes('eval_accuracy') ? [HELD_OUT] : [];
  const hero =
    method === 'grpo' ? [withRewards(names), BACKS, ATTENTION, LENGTH, ...evaluated] : [SFT_LOSS, HELD_OUT];
  const shown = new Set(hero.flatMap(({ lines }) => lines.map(({ metric }) => metric)));
  const own = method === 'grpo' ? GRPO_MORE : [TOKEN_ACCURACY, BACKS, ATTENTION, LENGTH];
  const others = [...HELD_OUT_MORE, ...own, ...SHARED]
    .map((chart) => ({ ...chart, lines: chart.lines.filter(({ metric }) => names.includes(metric)) }))
    .filter(({ lines }) => lines.length > 0);
  for (const { lines } of others) for (const { metric } of lines) shown.add(metric);
  const unknown = names.filter((name) => !shown.has(name) && !UNDRAWN.test(name));
  const plain = unknown.map(
    (name): CurveChart => ({
      id: `metric-${name}`,
      title: name,
      definition: TRAIN_COPY.curves.unknown,
      unit: 'number',
      range: null,
      lines: [line(name, name)],
    }),
  );
  return { hero, more: [...others, ...plain] };
}

/**
 * The charts of runs that are compared: each metric has one of its own, in which every run has a line. The first method's
 * charts lead; a metric that no run logged has none.
 */
export function comparedCurves(methods: readonly TrainingMethod[], names: readonly string[]): CurveSet {
  const drawn = new Set<string>();
  const single = (charts: readonly CurveChart[]) =>
    charts.flatMap((chart) =>
      chart.lines.flatMap((one): CurveChart[] => {
        if (!names.includes(one.metric) || drawn.has(one.metric)) return [];
        drawn.add(one.metric);
        const title = chart.lines.length === 1 ? chart.title : `${chart.title}: ${one.label}`;
        return [{ ...chart, id: `${chart.id}-${one.metric}`, title, lines: [one] }];
      }),
    );
  const sets = [...new Set(methods)].map((method) => curvesOf(method, names));
  const hero = single(sets[0]?.hero ?? []);
  return {
    hero,
    more: single([...sets.slice(1).flatMap((set) => set.hero), ...sets.flatMap((set) => set.more)]),
  };
}
