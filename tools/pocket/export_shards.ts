// Command line: writes one shard of pretraining samples as raw bytes for pretrain.py, which asks for the next in time.
// Shard n of seed s holds the samples n·count … (n+1)·count−1 whatever came before.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { COLOUR_WORDS, cellShares, DELTA, dominantWord, margin } from '../../src/data/world/colour_words';
import { CELL_NAMES, GRID_SIDE, IMAGE_SIDE } from '../../src/data/world/grid';
import type { Split, WorldSample } from '../../src/data/world/world_sample';
import { SHAPES } from '../../src/data/world/world_words';
import { type Context, drawTrainingSample, SHARES, TASKS } from './mixture';

/** Longest sequence, in tokens, that a shard's row holds. */
const ROW = 224;
const CELLS = CELL_NAMES.length;
const PIXELS = IMAGE_SIDE * IMAGE_SIDE * 3;
/** Loss classes: none, ordinary, mark of a scan or number that follows from what was said, count at a glance. */
const LOSS = { none: 0, plain: 1, mark: 2, glance: 3 } as const;
const PIECE = /<\/?(?:think|back|unk)>|\\boxed\{|\}|<\|[a-z_]+\|>|[a-z]+\d?|\d+|[.?,]|[-+=<>]/g;
const CONTENT_WORDS: ReadonlySet<string> = new Set([...SHAPES, ...COLOUR_WORDS]);
const NUMBER = /^\d+$/;
const RELATION = /^[<=>]$/;
/** Label of a cell that a head of the vision tower is not asked for. */
const NO_LABEL = 255;

/** Splits a text into the words of the vocabulary, as the tokenizer would. */
function words(text: string): string[] {
  return (text.toLowerCase().match(PIECE) ?? []).map((w) =>
    w === '.' || w === ',' ? '##.' : w === '?' ? '##?' : w,
  );
}

/** The loss class of each word of a completion. */
function lossClasses(completion: string[], context: Context): number[] {
  const firstEnd = completion.indexOf('</think>');
  const lookEnd = completion.indexOf('</back>');
  // A look's opening ends with its first word.
  const learns = { nothing: 0, firstThought: firstEnd, opening: completion.indexOf('<back>') + 2 }[context];
  const scans =
    completion.includes('x') ||
    completion.some((word, i) => word === '-' && /^[a-d]\d$/.test(completion[i - 1] ?? ''));
  return completion.map((word, i) => {
    const before = completion[i - 1] ?? '';
    // The first token of a first thought is learned even where the rest is context, but not with a look's opening.
    if (i < learns && (i > 0 || context === 'opening')) return LOSS.none;
    if (CONTENT_WORDS.has(before) && (word === 'x' || NUMBER.test(word))) return LOSS.mark;
    // What follows from a scan or from a sum is as rare and as decisive as a mark.
    if (before === '=' || (scans && i > lookEnd && (RELATION.test(word) || before === '\\boxed{')))
      return LOSS.mark;
    const ofLine = NUMBER.test(word) && /^(?:row|column)$/.test(completion[i - 2] ?? '');
    if (scans && (ofLine ? firstEnd < 0 || i > firstEnd : NUMBER.test(word) && before === 'so'))
      return LOSS.mark;
    // Two counts at a glance are beyond it: they keep the ordinary weight.
    const glances = NUMBER.test(word) && before === 'see' && completion[i + 1] !== 'and';
    return glances && i < firstEnd ? LOSS.glance : LOSS.plain;
  });
}

/** Per cell a shape (0 for none) and a colour word, each 255 where the vision tower's heads are not asked. */
function cellLabels({ facts, picture, image }: WorldSample): number[] {
  if (picture.kind === 'sheet') {
    return facts.cells.flatMap((content) => {
      if (content?.shape === undefined) return [0, NO_LABEL];
      return [1 + SHAPES.indexOf(content.shape), COLOUR_WORDS.indexOf(content.colour)];
    });
  }
  return cellShares(image(), IMAGE_SIDE, GRID_SIDE).flatMap((shares) => {
    const word = dominantWord(shares);
    return [NO_LABEL, margin(shares, word) < DELTA.train ? NO_LABEL : COLOUR_WORDS.indexOf(word)];
  });
}

function main(): void {
  const [tokenizerPath, out, seedText, shardText, countText, splitText, phase] = process.argv.slice(2);
  if (countText === undefined)
    throw new Error('usage: export_shards TOKENIZER_JSON OUT SEED SHARD COUNT [SPLIT [PHASE]]');
  const [seed, shard, count] = [Number(seedText), Number(shardText), Number(countText)];
  const { vocab } = JSON.parse(readFileSync(tokenizerPath as string, 'utf8')).model as {
    vocab: Record<string, number>;
  };
  if (phase !== undefined && !(phase in SHARES)) throw new Error(`there is no phase "${phase}"`);
  const shares = SHARES[(phase ?? 'all') as keyof typeof SHARES];
  const images = new Uint8Array(count * PIXELS);
  const ids = new Uint8Array(count * ROW);
  const loss = new Uint8Array(count * ROW);
  const meta = new Uint8Array(count * 4);
  const cells = new Uint8Array(count * CELLS * 2);
  const pads = Array<string>(CELLS).fill('<|image_pad|>');
  const head = ['<|im_start|>', 'user', '<|vision_start|>', ...pads, '<|vision_end|>'];
  for (let n = 0; n < count; n++) {
    const drawn = drawTrainingSample(seed, shard * count + n, (splitText ?? 'train') as Split, shares);
    const { sample } = drawn;
    images.set(sample.image(), n * PIXELS);
    const prompt = [...head, ...words(drawn.prompt), '<|im_end|>', '<|im_start|>', 'assistant'];
    const completion = [...words(drawn.completion), '<|im_end|>'];
    const row = [...prompt, ...completion];
    if (row.length > ROW) throw new Error(`sample ${n} has ${row.length} tokens, more than ${ROW}`);
    row.forEach((word, i) => {
      const id = vocab[word];
      if (id === undefined) throw new Error(`the vocabulary has no "${word}" (sample ${n})`);
      ids[n * ROW + i] = id;
    });
    loss.set(lossClasses(completion, drawn.context), n * ROW + prompt.length);
    cells.set(cellLabels(sample), n * CELLS * 2);
    const isPhotograph = sample.picture.kind === 'photograph' ? 1 : 0;
    meta.set([prompt.length, row.length, TASKS.indexOf(drawn.task), isPhotograph], n * 4);
  }
  const parts = [images, ids, loss, meta, cells];
  writeFileSync(`${out}.part`, Buffer.concat(parts.map((p) => Buffer.from(p.buffer))));
  renameSync(`${out}.part`, out as string);
}

main();
