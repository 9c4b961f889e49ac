// Command line: writes one shard of pretraining samples as raw bytes for pretrain.py.
// Not an app module and not the mixture (mixture.ts). One call, one shard; the trainer asks for the next in time.
// Invariant: shard n of seed s holds the samples n·count … (n+1)·count−1 whatever came before.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Split } from '../../src/data/world/shapes_world';
import { drawTrainingSample, TASKS } from './mixture';

/** Longest sequence, in tokens, that a shard's row holds. */
const ROW = 192;
/** Loss classes: none, ordinary, mark of a scan, count at a glance. */
const LOSS = { none: 0, plain: 1, mark: 2, glance: 3 } as const;
const PIECE = /<\/?(?:think|back|unk)>|\\boxed\{|\}|<\|[a-z_]+\|>|[a-z]+\d?|\d+|[.?]|[-+=]/g;
const SHAPE_WORD = new Set(['circle', 'square', 'triangle']);

/** Splits a text into the words of the vocabulary, as the tokenizer would. */
function words(text: string): string[] {
  return (text.toLowerCase().match(PIECE) ?? []).map((w) => (w === '.' || w === '?' ? `##${w}` : w));
}

/** The loss class of each word of a completion. */
function lossClasses(completion: string[], maskFirstThought: boolean): number[] {
  const firstEnd = completion.indexOf('</think>');
  const scans = completion.includes('a1');
  return completion.map((word, i) => {
    if (maskFirstThought && i > 0 && i < firstEnd) return LOSS.none;
    const isMark = SHAPE_WORD.has(completion[i - 1] ?? '') && (word === 'x' || /^\d+$/.test(word));
    // The count that a second thought takes over from a genuine scan is as rare and as decisive as a mark.
    if (isMark || (completion[i - 1] === 'so' && scans)) return LOSS.mark;
    return completion[i - 1] === 'see' && i < firstEnd ? LOSS.glance : LOSS.plain;
  });
}

function main(): void {
  const [tokenizerPath, out, seedText, shardText, countText, splitText] = process.argv.slice(2);
  if (countText === undefined)
    throw new Error('usage: export_shards TOKENIZER_JSON OUT SEED SHARD COUNT [SPLIT]');
  const [seed, shard, count] = [Number(seedText), Number(shardText), Number(countText)];
  const vocab = JSON.parse(readFileSync(tokenizerPath as string, 'utf8')).model.vocab as Record<
    string,
    number
  >;
  const images = new Uint8Array(count * 48 * 48 * 3);
  const ids = new Uint8Array(count * ROW);
  const loss = new Uint8Array(count * ROW);
  const meta = new Uint8Array(count * 3);
  const cells = new Uint8Array(count * 9);
  const head = [
    '<|im_start|>',
    'user',
    '<|vision_start|>',
    ...Array(9).fill('<|image_pad|>'),
    '<|vision_end|>',
  ];
  for (let n = 0; n < count; n++) {
    const sample = drawTrainingSample(seed, shard * count + n, (splitText ?? 'train') as Split);
    images.set(sample.image, n * 48 * 48 * 3);
    const prompt = [...head, ...words(sample.prompt), '<|im_end|>', '<|im_start|>', 'assistant'];
    const completion = [...words(sample.completion), '<|im_end|>'];
    const row = [...prompt, ...completion];
    if (row.length > ROW) throw new Error(`sample ${n} has ${row.length} tokens, more than ${ROW}`);
    row.forEach((word, i) => {
      const id = vocab[word];
      if (id === undefined) throw new Error(`the vocabulary has no "${word}" (sample ${n})`);
      ids[n * ROW + i] = id;
    });
    loss.set(lossClasses(completion, sample.maskFirstThought), n * ROW + prompt.length);
    cells.set(
      sample.cells.map((word) => vocab[word] as number),
      n * 9,
    );
    meta.set([prompt.length, row.length, TASKS.indexOf(sample.task)], n * 3);
  }
  const parts = [images, ids, loss, meta, cells];
  writeFileSync(`${out}.part`, Buffer.concat(parts.map((p) => Buffer.from(p.buffer))));
  renameSync(`${out}.part`, out as string);
}

main();
