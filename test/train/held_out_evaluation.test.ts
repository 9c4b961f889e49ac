// Evaluation over a scripted policy and rollout: what is read when, what is answered, what an abort leaves.
import { describe, expect, it } from 'vitest';
import { HeldOutEvaluation, type HeldOutSettings } from '../../src/train/held_out_evaluation';

interface Sampled {
  readonly asked: number;
  readonly sequences: number;
  readonly limit: number;
}

/** Ten examples, of which every other has a written answer of two tokens; at most 40 tokens in a sequence. */
function evaluationOf(change: Partial<HeldOutSettings> = {}) {
  const read: number[] = [];
  const sampled: Sampled[] = [];
  const scored: number[] = [];
  const phases: [string, number | null][] = [];
  const examples = {
    count: 10,
    read: async (at: number) => {
      read.push(at);
      const prompt = { inputIds: Array<number>(at === 9 ? 35 : 20).fill(1), images: [] };
      const completion = at % 2 === 0 ? [at, 1] : null;
      return {
        key: 100 + at,
        prompt,
        imageTokens: 0,
        question: `q${at}`,
        expected: `${at}`,
        kind: 'row',
        completion,
      };
    },
  };
  const parts = {
    policy: {
      microBatches: (groups: readonly unknown[]) => [{ groups }],
      score: async ({ groups }: { groups: readonly { completions: number[][] }[] }) => {
        const labels = groups.flatMap(({ completions }) => completions.flat());
        scored.push(groups.length);
        return {
          logp: Float32Array.from(labels, () => -2),
          entropy: new Float32Array(labels.length),
          argmax: Uint32Array.from(labels, () => 1),
          terms: new Float32Array(0),
        };
      },
    },
    rollout: {
      maxTokens: 40,
      sample: async (
        prompts: readonly unknown[],
        count: number,
        { temperature, sequences, maxCompletionLength }: Record<string, number>,
        hooks: { onPhase?: (phase: string, share: number | null) => void },
      ) => {
        expect([count, temperature]).toEqual([1, 0]);
        sampled.push({ asked: prompts.length, sequences: sequences ?? 0, limit: maxCompletionLength ?? 0 });
        hooks.onPhase?.('sampling', 0.5);
        return prompts.map((_, at) => [{ text: `answer ${at}` }]);
      },
    },
    examples,
    figures: (answers: readonly unknown[]) => ({ accuracy: 0.5, answers: answers.length }),
  };
  const settings = { answered: 10, batch: 4, maxCompletionLength: 8, tokensPerMicroBatch: 64, ...change };
  const evaluation = new HeldOutEvaluation(parts as never, settings);
  const onPhase = (phase: string, share: number | null): void => void phases.push([phase, share]);
  return { evaluation, read, sampled, scored, phases, onPhase };
}

describe('HeldOutEvaluation', () => {
  it('scores written answers, and answers every question in sessions of one size', async () => {
    const { evaluation, sampled, scored, phases, onPhase } = evaluationOf();
    const { step, metrics, samples } = await evaluation.run(7, { onPhase });
    expect(step).toBe(7);
    expect(metrics).toEqual({
      ...{ eval_loss: 2, eval_mean_token_accuracy: 0.5, eval_accuracy: 0.5, eval_answers: 10 },
      eval_runtime: expect.any(Number),
    });
    expect(scored).toEqual([2, 2, 1]);
    // The last prompt leaves room for five tokens.
    expect(sampled).toEqual([
      { asked: 4, sequences: 4, limit: 8 },
      { asked: 4, sequences: 4, limit: 8 },
      { asked: 2, sequences: 4, limit: 5 },
    ]);
    expect(samples[5]).toEqual({ key: 105, question: 'q5', expected: '5', text: 'answer 1' });
    expect(phases).toEqual([
      ...[
        ['evaluating', 0],
        ['evaluating', 0.4],
        ['evaluating', 0.8],
      ],
      ...[
        ['sampling', 0.2],
        ['sampling', 0.6],
        ['sampling', 0.9],
      ],
    ]);
  });

  it('answers as many as are asked, and none where none is', async () => {
    const three = evaluationOf({ answered: 3 });
    expect((await three.evaluation.run(1, {})).metrics.eval_answers).toBe(3);
    expect(three.sampled).toEqual([{ asked: 3, sequences: 3, limit: 8 }]);
    const none = evaluationOf({ answered: 0 });
    const { metrics, samples } = await none.evaluation.run(1, {});
    expect(Object.keys(metrics)).toEqual(['eval_loss', 'eval_mean_token_accuracy', 'eval_runtime']);
    expect(samples).toEqual([]);
  });

  it('ends with the reason of an abort, and begins anew', async () => {
    const { evaluation, read, onPhase } = evaluationOf();
    const stop = new AbortController();
    const reason = new Error('enough');
    const cut = (phase: string): void => {
      if (phase === 'sampling') stop.abort(reason);
    };
    await expect(evaluation.run(1, { signal: stop.signal, onPhase: cut })).rejects.toBe(reason);
    read.length = 0;
    expect((await evaluation.run(1, { onPhase })).metrics.eval_answers).toBe(10);
    expect(read).toHaveLength(20);
  });
});
