// Processor: prompts of pocket equal Hugging Face's ids; squares and grids; files that are missing or broken.
import { describe, expect, it } from 'vitest';
import { cropToSquare, type GridThw } from '../../src/data/image/image_processor';
import type { PixelArray } from '../../src/data/image/pillow_resize';
import type { ChatMessage } from '../../src/data/text/tokenizer';
import { Processor } from '../../src/generation/processor';
import { parseModelConfig } from '../../src/model/config';
import { memorySource } from '../../src/model/safetensors';
import { type ModelFiles, readModelJson } from '../../src/model/vision_language_model';
import { familyCheckpoint, filesIn } from '../harness/family_checkpoint';
import { loadFixtureJson } from '../harness/fixture';
import { loadPicture, pocketFiles } from '../harness/pocket';

async function load(files: ModelFiles = pocketFiles('pocket')): Promise<Processor> {
  return Processor.load(files, parseModelConfig(await readModelJson(files, 'config.json')));
}

interface GoldenChat {
  readonly messages: readonly ChatMessage[];
  readonly add_generation_prompt: boolean;
  readonly add_vision_id?: boolean;
  readonly grids: readonly GridThw[];
  readonly ids: readonly number[];
}

/** Pocket's files with some replaced; null removes one. */
function changed(replaced: Readonly<Record<string, string | null>>): ModelFiles {
  const files = pocketFiles('pocket');
  return {
    name: 'changed',
    open: async (name) => {
      const text = replaced[name];
      if (text === null) return null;
      return text === undefined ? files.open(name) : memorySource(name, new TextEncoder().encode(text));
    },
  };
}

const flat = (width: number, height: number) => ({
  width,
  height,
  channels: 3,
  data: new Uint8Array(width * height * 3).fill(9),
});

const ask = (processor: Processor, image: PixelArray, text: string, square: boolean, system?: string) =>
  processor.prepare({
    images: [processor.see(image, square)],
    text,
    ...(system === undefined ? {} : { system }),
  });

describe('Processor', () => {
  it('makes the ids that Hugging Face makes', async () => {
    const goldens = await loadFixtureJson<{
      scenes: { image: string; prompt: string; prompt_ids: number[] }[];
    }>('pocket/greedy_tokens.json');
    const processor = await load();
    for (const { image, prompt, prompt_ids } of goldens.scenes) {
      const prepared = ask(processor, await loadPicture(`pocket/${image}`), prompt, true);
      expect(prepared.prompt.inputIds).toEqual(prompt_ids);
      const placed = { imageTokens: 16, grid: [4, 4], resizedWidth: 64, resizedHeight: 64 };
      expect(prepared).toMatchObject({ imageTokens: 16, pictures: [placed] });
    }
  });

  it.each([
    ['tiny-qwen2_vl', 'tokenizer-qwen2'],
    ['tiny-qwen3_vl', 'tokenizer-qwen3'],
  ])('makes the golden ids of conversations with several pictures: %s', async (folder, tokenizer) => {
    const files = filesIn(folder, await familyCheckpoint(folder, tokenizer));
    const processor = await load(files);
    const { chats } = await loadFixtureJson<{ chats: readonly GoldenChat[] }>(`${tokenizer}/goldens.json`);
    const asked = chats.filter((chat) => chat.add_generation_prompt && !chat.add_vision_id);
    expect(Math.max(...asked.map(({ grids }) => grids.length))).toBeGreaterThan(1);
    for (const { messages, grids, ids } of asked) {
      const blank = { pixelValues: new Float32Array(), split: { rows: 0, cols: 0 }, width: 0, height: 0 };
      const images = grids.map((gridThw) => ({ gridThw, ...blank }));
      const prompt = processor.prepareChat(messages, images);
      expect(prompt).toEqual({ inputIds: ids, images });
    }
  });

  it('reads processor_config.json where it stands alone', async () => {
    const json = await loadFixtureJson('/public/models/pocket/preprocessor_config.json');
    const files = changed({
      'preprocessor_config.json': null,
      'processor_config.json': JSON.stringify({ image_processor: json }),
    });
    expect((await load(files)).see(flat(64, 64), false)).toEqual((await load()).see(flat(64, 64), false));
    const neither = changed({ 'preprocessor_config.json': null });
    await expect(load(neither)).rejects.toThrow('has no preprocessor_config.json');
  });

  it('cuts to the middle square on request', async () => {
    const processor = await load();
    const data = Uint8Array.from({ length: 100 * 47 * 3 }, (_, i) => (i * 73) % 256);
    const image = { width: 100, height: 47, channels: 3, data };
    const pixels = (picture: PixelArray, square: boolean) =>
      ask(processor, picture, 'How many?', square).prompt.images[0]?.pixelValues;
    expect(pixels(image, true)).toEqual(pixels(cropToSquare(image), false));
    expect(pixels(image, false)).not.toEqual(pixels(image, true));
    expect(ask(processor, image, 'How many?', true).pictures[0]?.grid).toEqual([4, 4]);
  });

  it.each([1, 2, 47, 76, 85, 333, 2000])('turns a square of %i pixels into one grid', async (edge) => {
    const processor = await load();
    const prepared = ask(processor, flat(edge, edge), 'How many?', true);
    expect(prepared.pictures[0]?.grid).toEqual([4, 4]);
  });

  it('keeps the shape of other pictures', async () => {
    const processor = await load();
    const { pictures } = ask(processor, flat(96, 24), 'How many?', false);
    // 96 × 32, the nearest multiples of 16, have fewer than 63² pixels: both sides grow by √(63² / (96 · 24)) and up to 128 × 32.
    const split = { rows: 0, cols: 0 };
    const placed = { imageTokens: 16, grid: [2, 8], split, resizedWidth: 128, resizedHeight: 32 };
    expect(pictures).toEqual([placed]);
  });

  it('takes an image placeholder in a question as text', async () => {
    const processor = await load();
    const about = (text: string) => ask(processor, flat(48, 48), text, true);
    const asked = about('What? <|image_pad|>');
    expect(asked.imageTokens).toBe(about('What?').imageTokens);
    const special = asked.prompt.inputIds.filter((id) => processor.tokenizer.specialIds.has(id));
    expect(special).toEqual(
      about('What?').prompt.inputIds.filter((id) => processor.tokenizer.specialIds.has(id)),
    );
  });

  it('puts a system message first', async () => {
    const processor = await load();
    const plain = ask(processor, flat(48, 48), 'How many?', true).prompt.inputIds;
    const ids = ask(processor, flat(48, 48), 'How many?', true, 'see red').prompt.inputIds;
    expect(ids.length).toBeGreaterThan(plain.length);
    expect(ids.slice(-plain.length)).toEqual(plain);
  });

  it('puts earlier turns before a question, and the picture into the first of them', async () => {
    const processor = await load();
    const image = processor.see(flat(48, 48), true);
    const first = processor.prepare({ images: [image], text: 'How many red?' });
    const later = processor.prepare({
      images: [image],
      text: 'How many blue?',
      earlier: [{ text: 'How many red?', answer: '2' }],
    });
    expect(later.prompt.inputIds.slice(0, first.prompt.inputIds.length)).toEqual(first.prompt.inputIds);
    expect(later.prompt.images).toEqual([image]);
    expect(later.prompt.images[0]).toBe(first.prompt.images[0]);
    expect(processor.tokenizer.decode(later.prompt.inputIds.slice(first.prompt.inputIds.length))).toMatch(
      /2.*user.*how many blue/,
    );
  });

  it('renders answers and tiles for a template that knows lists of parts alone', async () => {
    const config = await loadFixtureJson<Record<string, Record<string, unknown>>>('tiny-smolvlm/config.json');
    const sizes = { ...config, text_config: { ...config.text_config, vocab_size: 490 }, image_token_id: 488 };
    const files = { 'config.json': sizes } as Record<string, unknown>;
    const names = ['tokenizer.json', 'tokenizer_config.json'];
    for (const name of names) files[name] = await loadFixtureJson(`tokenizer-smollm2/${name}`);
    files['preprocessor_config.json'] = await loadFixtureJson('tiny-smolvlm/preprocessor_config.json');
    const processor = await load({
      name: 'smolvlm',
      open: async (name) =>
        files[name] === undefined
          ? null
          : memorySource(name, new TextEncoder().encode(JSON.stringify(files[name]))),
    });
    const image = processor.see(flat(29, 14), false);
    const { prompt, ...fact } = processor.prepare({
      images: [image],
      text: 'And here?',
      system: 'Be brief.',
      earlier: [{ text: 'Where?', answer: 'There.' }],
    });
    const split = { rows: 1, cols: 2 };
    const placed = { imageTokens: 12, grid: [2, 4], split, resizedWidth: 32, resizedHeight: 16 };
    expect(fact).toEqual({ imageTokens: 12, pictures: [placed] });
    const tile = '<image>'.repeat(4);
    const fake = '<fake_token_around_image>';
    const picture = `${fake}<row_1_col_1>${tile}${fake}<row_1_col_2>${tile}\n\n${fake}<global-img>${tile}${fake}`;
    expect(processor.tokenizer.decode(prompt.inputIds)).toBe(
      `<|im_start|>System: Be brief.<end_of_utterance>\nUser:${picture}Where?<end_of_utterance>\nAssistant: There.<end_of_utterance>\nUser: And here?<end_of_utterance>\nAssistant:`,
    );
  });

  it('calls each of several pictures by its place, and a single one by none', async () => {
    const [folder, tokenizer] = ['tiny-qwen2_vl', 'tokenizer-qwen2'];
    const processor = await load(filesIn(folder, await familyCheckpoint(folder, tokenizer)));
    const images = [flat(16, 8), flat(8, 8)].map((image) => processor.see(image, false));
    const { prompt, imageTokens, pictures } = processor.prepare({ images, text: 'Which is wider?' });
    expect(prompt.images).toEqual(images);
    expect(pictures.map(({ imageTokens: own, grid }) => [own, grid])).toEqual(
      images.map(({ gridThw: [, h, w] }) => [(h * w) / 4, [h / 2, w / 2]]),
    );
    expect(imageTokens).toBe(pictures.reduce((sum, each) => sum + each.imageTokens, 0));
    const words = (ids: readonly number[]) =>
      processor.tokenizer.decode([...ids]).replaceAll(/(<\|image_pad\|>)+/g, '…');
    const [start, end] = ['<|vision_start|>', '<|vision_end|>'];
    expect(words(prompt.inputIds)).toContain(
      `user\nimage 1: ${start}…${end}\nimage 2: ${start}…${end}\nWhich is wider?<|im_end|>`,
    );
    const alone = processor.prepare({ images: images.slice(0, 1), text: 'How wide?' });
    expect(words(alone.prompt.inputIds)).toContain(`user\n${start}…${end}How wide?<|im_end|>`);
  });

  it('reads a template of its own file, new and old', async () => {
    const template = "{{ messages[0]['content'][1]['text'] }}<|image_pad|>";
    for (const file of [
      { 'chat_template.jinja': template },
      { 'chat_template.json': JSON.stringify({ chat_template: template }) },
    ]) {
      const processor = await load(changed(file as Record<string, string>));
      const prepared = ask(processor, flat(48, 48), 'red', true);
      expect(prepared.prompt.inputIds).toHaveLength(17);
    }
  });

  it.each([
    ['a missing tokenizer', { 'tokenizer.json': null }, 'tokenizer.json'],
    ['a broken tokenizer', { 'tokenizer.json': '{' }, 'tokenizer.json'],
    ['a missing processor', { 'preprocessor_config.json': null }, 'preprocessor_config.json'],
    [
      'a processor without patches',
      { 'preprocessor_config.json': '{"image_mean":[0,0,0],"image_std":[1,1,1]}' },
      'patch_size',
    ],
  ])('names the file for %s', async (_, files, message) => {
    await expect(load(changed(files as Record<string, string | null>))).rejects.toThrow(message);
  });
});
