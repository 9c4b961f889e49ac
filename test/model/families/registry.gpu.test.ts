// Families from files to answers and training, on random weights: a question, a follow-up over the cache, several pictures
// in one conversation, and three steps of SFT. Qwen2.5-VL is pocket's family: its tests are everywhere.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PixelArray } from '../../../src/data/image/pillow_resize';
import type { PromptImage } from '../../../src/data/image/prompt_image';
import type { GpuContext } from '../../../src/gpu/device';
import { greedy, Reasoner } from '../../../src/lookback/reasoner';
import { createTrainer } from '../../../src/lookback/training';
import { ALL_PROJECTIONS, DEFAULT_TRAIN_CONFIG } from '../../../src/settings/train_settings';
import { familyCheckpoint, filesIn } from '../../harness/family_checkpoint';
import { testGpu } from '../../harness/gpu';

function picture(width: number, height: number, seed: number): PixelArray {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * seed + (at >> 5)) % 256);
  return { width, height, channels: 3, data };
}

const ROWS = ['two', 'three', 'four'].map((word, index) => ({
  image: picture(40, 24, 7 + index),
  question: `How many cups? ${index}`,
  answer: `${index + 2}`,
  response: `<think> I see ${word}. </think> \\boxed{${index + 2}}`,
}));

const FAMILIES = [
  ['tiny-qwen2_vl', 'tokenizer-qwen2'],
  ['tiny-qwen3_vl', 'tokenizer-qwen3'],
  ['tiny-smolvlm', 'tokenizer-smollm2'],
] as const;

describe.each(FAMILIES)('%s with %s', (folder, tokenizer) => {
  let gpu: GpuContext;
  let reasoner: Reasoner;
  beforeAll(async () => {
    gpu = await testGpu();
    reasoner = await Reasoner.load(gpu, filesIn(folder, await familyCheckpoint(folder, tokenizer)));
  });
  afterAll(async () => {
    reasoner.destroy();
    await gpu.fence();
  });

  it('answers, and follows up over the cache as over a fresh prompt', async () => {
    const ask = async (request: Parameters<Reasoner['start']>[0]): Promise<readonly number[]> => {
      const { answer, events } = await reasoner.start(request, { capture: 'maps' });
      for await (const event of events) {
        if (event.type !== 'attention') continue;
        const { image, query, generated } = event.shares;
        // The token that ends the image is in no class.
        expect(image).toBeGreaterThan(0);
        expect(image + query + generated).toBeLessThanOrEqual(1 + 1e-6);
      }
      return answer.ids;
    };
    const question = { image: picture(50, 30, 3), text: 'How many?', mode: 'plain' } as const;
    const first = reasoner.prepare(question);
    expect(first.prompt.inputIds.filter((id) => id === reasoner.model.config.imageTokenId)).toHaveLength(
      first.imageTokens,
    );
    const tokens = await ask({ prepared: first, sampling: greedy(5) });
    expect(tokens).toHaveLength(5);
    const text = reasoner.processor.tokenizer.decode([...tokens], { skipSpecialTokens: true });
    const [image] = first.prompt.images as PromptImage[];
    const earlier = [{ text: question.text, mode: question.mode, answer: text }];
    const next = reasoner.prepareSeen({ images: [image!], text: 'Sure?', mode: 'plain', earlier });
    const continued = await ask({ prepared: next, sampling: greedy(5), continues: true });
    reasoner.closeSession();
    expect(await ask({ prepared: next, sampling: greedy(5) })).toEqual(continued);
  });

  it('reads several pictures in a conversation, each in its place', async () => {
    const { processor, model } = reasoner;
    const seen = [picture(40, 24, 5), picture(24, 48, 11)].map((image) => processor.see(image, false));
    const messages = [
      {
        role: 'user',
        content: [{ type: 'image' }, { type: 'text', text: 'One.' }, { type: 'image' }],
      },
      { role: 'assistant', content: [{ type: 'text', text: 'Yes.' }] },
      { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'And now?' }] },
    ] as const;
    const [a, b] = seen as [PromptImage, PromptImage];
    const nextLogits = async (images: PromptImage[]): Promise<Float32Array> => {
      const prompt = processor.prepareChat(messages, images);
      const count = images.reduce((sum, { gridThw: [t, h, w] }) => sum + (t * h * w) / 4, 0);
      expect(prompt.inputIds.filter((id) => id === model.config.imageTokenId)).toHaveLength(count);
      const capacity = prompt.inputIds.length + 8;
      const session = await model.createSession({ batch: 1, capacity, stepsAhead: 0 });
      await session.prefill([prompt], [greedy(8)]);
      await session.step();
      const logits = (await session.decodeProgram.read('logits')) as Float32Array;
      session.destroy();
      return logits;
    };
    const logits = await nextLogits([a, b, a]);
    expect(await nextLogits([a, b, a])).toEqual(logits);
    expect(await nextLogits([a, b, b])).not.toEqual(logits);
    expect(await nextLogits([b, a, a])).not.toEqual(logits);
    expect(() => processor.prepareChat(messages, [a, b])).toThrow('3 image placeholders for 2 images');
  });

  it('trains: the loss of three steps of SFT falls', async () => {
    const read = async (position: number) => ROWS[position]!;
    const trainer = await createTrainer(reasoner, {
      ...DEFAULT_TRAIN_CONFIG,
      lora: { r: 2, loraAlpha: 4, loraDropout: 0, targetModules: ALL_PROJECTIONS },
      optim: { ...DEFAULT_TRAIN_CONFIG.optim, learningRate: 1e-2, lrSchedulerType: 'constant' },
      ...{ maxSteps: 3, seed: 1, method: 'sft', mode: 'plain', heldOut: null, start: null, checkpoint: null },
      source: { kind: 'rows', rows: { count: ROWS.length, read } },
      sft: { ...DEFAULT_TRAIN_CONFIG.sft, batchSize: 3 },
      grpo: DEFAULT_TRAIN_CONFIG.grpo,
    });
    const losses: number[] = [];
    for (let step = 0; step < 3; step++) losses.push((await trainer.runStep({})).metrics.loss as number);
    trainer.destroy();
    expect(losses[1]).toBeLessThan(losses[0]!);
    expect(losses[2]).toBeLessThan(losses[1]!);
  });
});
