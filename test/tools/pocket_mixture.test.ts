// Checks the pretraining mixture of pocket: its shares, what each prompt is answered with, and that only pictures of the
// train split are drawn.

import { describe, expect, it } from 'vitest';
import { readForm } from '../../src/answer/answer_form';
import { splitOf } from '../../src/data/world/world_sample';
import {
  BACK_SUFFIXES,
  drawTrainingSample,
  SHARES,
  TASKS,
  type TrainingSample,
} from '../../tools/pocket/mixture';

const SAMPLES = Array.from({ length: 600 }, (_, index) => drawTrainingSample(4, index));
const BACK = /<back> ?(.*?) ?<\/back>/;
const isGenuineScan = (back: string) => /\. .*\b[a-d][1-4] /.test(back);

function of(...tasks: readonly TrainingSample['task'][]): TrainingSample[] {
  return SAMPLES.filter(({ task }) => tasks.includes(task));
}

describe('the pretraining mixture', () => {
  it('is a function of seed and index, of pictures to train on', () => {
    for (const index of [3, 17, 40]) {
      const [first, again] = [SAMPLES[index], drawTrainingSample(4, index)];
      expect([again.task, again.prompt, again.completion]).toEqual([
        first?.task,
        first?.prompt,
        first?.completion,
      ]);
      expect(again.sample.image()).toEqual(first?.sample.image());
    }
    for (const { sample } of SAMPLES) expect(splitOf(sample.picture)).toBe('train');
  });

  it('holds every task, lists and scans to their share', () => {
    expect(new Set(SAMPLES.map(({ task }) => task)).size).toBe(TASKS.length);
    // 600 draws at 0.5: four standard deviations are 0.08.
    const scans = of('list', 'check', 'checkAfter').length / SAMPLES.length;
    expect(Math.abs(scans - SHARES.all.scans)).toBeLessThan(0.08);
    const reading = Array.from({ length: 200 }, (_, index) =>
      drawTrainingSample(4, index, 'train', SHARES.reading),
    );
    const sheets = reading.filter(
      ({ sample, task }) => task.startsWith('check') && sample.picture.kind === 'sheet',
    );
    expect(sheets.length).toBeGreaterThan(60);
  });

  it('answers lists, scans and plain questions as the oracle does', () => {
    for (const { task, completion, sample } of of('list', 'check', 'checkAfter', 'cot', 'cotText')) {
      const { list, check, cot } = sample.oracle;
      expect(completion).toBe(task === 'list' ? list.answer : task.startsWith('cot') ? cot : check?.answer);
    }
  });

  it('looks back only when asked to, mostly without looking, and always in the strict grammar', () => {
    for (const { prompt } of of('cot', 'cotText')) expect(prompt).not.toContain('use back');
    const all = of('backPrompt', 'midwayPrompt');
    // Looks whose opening is context say nothing about how often to look.
    const asked = all.filter(({ context }) => context !== 'opening');
    expect(asked.length).toBeLessThan(all.length);
    for (const { task, prompt } of all) {
      expect(prompt.endsWith(BACK_SUFFIXES[task === 'backPrompt' ? 'solution' : 'semantic'])).toBe(true);
    }
    const backs = asked.flatMap(({ completion }) => BACK.exec(completion)?.[1] ?? []);
    const genuine = backs.filter(isGenuineScan).length;
    expect(backs.length).toBeGreaterThan(20);
    expect(genuine).toBeGreaterThan(0);
    expect(genuine).toBeLessThan(backs.length / 2);
    for (const { completion } of all) {
      // An empty look is vacuous on purpose; everything else keeps the form.
      if (!completion.includes('<back> </back>')) expect(readForm(completion).form).not.toBe('none');
    }
  });

  it('learns no first thought that is wrong on purpose, and ends right after a genuine look', () => {
    for (const { context, completion, sample } of of('backPrompt', 'midwayPrompt')) {
      const seen = /i see (\d+)(?: and (\d+))?/
        .exec(completion)
        ?.slice(1)
        .flatMap((n) => n ?? []);
      const isRight = seen?.join() === sample.counts.join();
      const look = BACK.exec(completion)?.[1];
      if (context === 'opening') expect(look !== undefined && isGenuineScan(look)).toBe(true);
      else expect(context).toBe(isRight ? 'nothing' : 'firstThought');
      if (look !== undefined && isGenuineScan(look)) {
        expect(completion.endsWith(`\\boxed{ ${sample.answer} }`)).toBe(true);
      }
    }
  });
});
