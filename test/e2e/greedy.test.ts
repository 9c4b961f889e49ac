// Greedy answers of the page are Hugging Face's: pictures uploaded, questions typed, words and token counts compared.
// The ids themselves are compared in test/lookback/reasoner.gpu.test.ts; here the whole page is in between.
import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { sharedLookPage } from './look_page';

interface Scene {
  readonly id: string;
  readonly image: string;
  readonly question: string;
  readonly mode: string;
  readonly ids: readonly number[];
  readonly text: string;
  readonly ties: readonly number[];
}

const FOLDER = 'test/fixtures/pocket';
const shared = sharedLookPage();

function load(file: string): {
  about: { model: string; adapter?: string; max_new_tokens: number };
  scenes: Scene[];
} {
  return JSON.parse(readFileSync(`${FOLDER}/${file}`, 'utf8'));
}

/** The words alone: cards show tags in their own way. */
function words(text: string): string {
  return text.replaceAll(/<\/?(think|back)>|<\|im_end\|>|\\boxed\{|[}|\s]/g, '');
}

for (const file of ['greedy_tokens_adapter.json', 'greedy_tokens.json']) {
  test(`the page answers as ${file} says`, async () => {
    test.setTimeout(240_000);
    const look = shared();
    const { page } = look;
    const { about, scenes: all } = load(file);
    const withAdapter = about.adapter !== undefined;
    // A few sheets and photographs, which come in turn, with the adapter and others without; LOOKBACK_ALL_SCENES asks
    // about all fifty both ways. That all of them are right both ways, reasoner.gpu.test.ts shows in Chromium and Node.
    const every = process.env.LOOKBACK_ALL_SCENES === undefined ? 16 : 1;
    const first = withAdapter ? 0 : 8;
    const scenes = all.filter((_, index) => every === 1 || [first, first + 1].includes(index % every));
    await expect(page.getByRole('combobox', { name: 'Model' })).toHaveValue(about.model);
    await page.getByTestId('adapter-chooser').selectOption(about.adapter ?? '');
    await page.getByLabel('Longest answer').fill(String(about.max_new_tokens));
    let excused = 0;
    for (const scene of scenes) {
      await look.upload(scene.image, 'image/png', readFileSync(`${FOLDER}/${scene.image}`));
      await expect(page.getByRole('img', { name: `The picture ${scene.image}` })).toBeVisible();
      await look.question.fill(scene.question);
      await page.getByLabel('Prompt').selectOption(scene.mode);
      await look.askAndWait();
      const shown = words(await look.text());
      if (shown !== words(scene.text) && scene.ties.length > 0) {
        excused++;
        continue;
      }
      expect(shown, scene.id).toBe(words(scene.text));
      expect(await look.tokens(), scene.id).toBe(scene.ids.length);
    }
    expect(excused).toBeLessThanOrEqual(Math.ceil(0.05 * scenes.length));
  });
}
