// Which charts a run gets, and runs that are compared.
import { describe, expect, it } from 'vitest';
import { type CurveChart, comparedCurves, curvesOf } from '../../../src/ui/train/curves';

describe('curvesOf', () => {
  const names = (charts: readonly CurveChart[]) => charts.map(({ id }) => id);

  it('shows the charts that matter before anything is measured, and no others', () => {
    const grpo = curvesOf('grpo', []);
    expect(names(grpo.hero)).toEqual(['reward', 'backs', 'attention', 'length']);
    expect(grpo.more).toEqual([]);
    expect(names(curvesOf('sft', []).hero)).toEqual(['loss', 'held-out']);
    const evaluated = curvesOf('grpo', ['eval_accuracy', 'eval_runtime', 'eval_completions/mean_length']);
    expect([names(evaluated.hero).at(-1), names(evaluated.more)]).toEqual(['held-out', ['held-out-length']]);
  });

  it('adds what was logged, under TRL’s names, and each metric once', () => {
    const logged = [
      ...['loss', 'learning_rate', 'grad_norm', 'entropy', 'step_tokens', 'step_time', 'reward', 'kl'],
      ...['reward_std', 'rewards/accuracy/mean', 'rewards/accuracy/std', 'rewards/format/mean', 'accuracy'],
      ...['rewards/length/mean', 'frac_reward_zero_std', 'completions/mean_length', 'dropped_groups'],
      ...['completions/clipped_ratio', 'clip_ratio/region_mean', 'look_back/trigger_rate'],
      ...['look_back/empty_back_rate', 'look_back/back_length', 'look_back/image_attention_before'],
      ...['look_back/image_attention_inside', 'look_back/image_attention_after', 'look_back/wrong_to_right'],
      ...['look_back/right_to_wrong', 'look_back/strict_format_rate', 'something/new'],
    ];
    const { hero, more } = curvesOf('grpo', logged);
    const drawn = [...hero, ...more].flatMap(({ lines }) => lines.map(({ metric }) => metric));
    expect(drawn.toSorted()).toEqual(logged.filter((name) => name !== 'rewards/accuracy/std').toSorted());
    expect(hero[0]?.lines.map(({ label }) => label)).toEqual(['total', 'accuracy', 'format', 'length']);
    expect(more.at(-1)?.title).toBe('something/new');
  });
});

describe('comparedCurves', () => {
  const drawn = (charts: readonly CurveChart[]) =>
    charts.map(({ title, lines }) => [title, ...lines.map(({ metric }) => metric)]);

  it('gives each metric that was logged a chart of its own', () => {
    const { hero, more } = comparedCurves(['grpo', 'grpo'], ['kl', 'reward', 'rewards/format/mean', 'loss']);
    expect(drawn(hero)).toEqual([
      ['Reward: total', 'reward'],
      ['Reward: format', 'rewards/format/mean'],
    ]);
    expect(drawn(more)).toEqual([
      ['Loss', 'loss'],
      ['KL to the reference', 'kl'],
    ]);
  });

  it('draws each metric once where methods differ, the shown run’s charts first', () => {
    const { hero, more } = comparedCurves(['sft', 'grpo'], ['loss', 'eval_loss', 'reward', 'entropy']);
    expect(drawn(hero)).toEqual([
      ['Loss: training', 'loss'],
      ['Loss: held out', 'eval_loss'],
    ]);
    expect(drawn(more)).toEqual([
      ['Reward: total', 'reward'],
      ['Entropy', 'entropy'],
    ]);
  });

  it('tells all its charts apart', () => {
    const names = ['reward', 'loss', 'kl', 'something/new', 'rewards/length/mean'];
    const { hero, more } = comparedCurves(['grpo'], names);
    expect(new Set([...hero, ...more].map(({ id }) => id)).size).toBe(names.length);
  });
});
