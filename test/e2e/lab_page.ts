// Holds what the journeys about evaluations do: fill the form, wait for answers, read figures, open a question. A wait is
// for a state that the page shows.

import { type Browser, expect, type Locator } from '@playwright/test';
import { ColdStartPage } from './cold_start_page';

/** Answers take long where a model is compiled by a software adapter. */
const ANSWERS_TIMEOUT = 120_000;

/** The pages as the journeys about the whole pipeline use them. */
export class LabJourney extends ColdStartPage {
  /** Goes on with the adapter that a run was saved as. */
  async continueAdapter(name: string): Promise<void> {
    await this.choose(this.page.getByTestId('continue-adapter'), name);
  }

  /** Chooses an option by its words. */
  async choose(select: Locator, words: string): Promise<void> {
    const option = select.locator('option', { hasText: words });
    await select.selectOption(await option.first().getAttribute('value'));
  }

  /** Opens the Lab and fills its form by names of settings; the second side answers with an adapter. */
  async evaluate(
    fields: Readonly<Record<string, string>>,
    { adapter, mode, set }: { readonly adapter: string; readonly mode: string; readonly set?: string },
  ): Promise<void> {
    const { page } = this;
    await page.getByTestId('nav-lab').click();
    await page.getByTestId('eval-against').click();
    await this.choose(page.getByTestId('eval-adapter').nth(1), adapter);
    await page.getByTestId('eval-mode').nth(1).selectOption(mode);
    if (set !== undefined) await this.choose(page.getByTestId('eval-source'), set);
    for (const [id, value] of Object.entries(fields)) {
      const control = page.locator(`[data-field="${id}"]`);
      await control.fill(value);
      await control.blur();
    }
    await page.getByTestId('eval-start').click();
    await expect(page.getByTestId('evaluation')).toBeVisible();
  }

  /** Waits until both sides are done. */
  async evaluated(count: number): Promise<void> {
    const shown = this.page.getByTestId('evaluation');
    await expect(shown).toHaveAttribute('data-done', `${count} ${count}`, { timeout: ANSWERS_TIMEOUT });
    await expect(this.page.getByTestId('eval-state')).toHaveAttribute('data-whole', 'true');
  }
}

/** A page in a context of its own. */
export async function newLabJourney(browser: Browser): Promise<LabJourney> {
  const context = await browser.newContext({ acceptDownloads: true });
  return new LabJourney(await context.newPage());
}
