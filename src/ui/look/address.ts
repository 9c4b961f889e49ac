// Keeps the address true to what the Look page is set to, without a step in the browser's history, and sets the page to what an
// address says when it opens or changes.

import { effect, untracked } from '@preact/signals';
import type { Look } from '../../state/look';
import { type LookAddress, readAddress, writeAddress } from '../../state/look_address';
import { route, routeOf } from '../route';
import { type Example, fetchExample, fetchExamples } from './picture_source';

/** The address that was written last. */
let written: string | null = null;

/** Whether an address is the page's own last one, as when somebody comes back to it: it says nothing new, then. */
export function isOwnAddress(hash: string): boolean {
  return hash === written;
}

/** Milliseconds of rest before the address is written, as browsers refuse too many changes. */
const REST = 400;

/** Chooses the example picture of that file; nothing where there is none. */
async function chooseExample(look: Look, file: string): Promise<void> {
  const example = (await fetchExamples()).find((one: Example) => one.file === file);
  if (example !== undefined) await look.choosePicture(fetchExample(example), example.name, example);
}

/** Selects the steps once an answer is complete that has them. */
function selectLater(look: Look, { from, to }: NonNullable<LookAddress['steps']>): void {
  const stop = effect(() => {
    const { answer } = look.session.value;
    if (answer?.status !== 'finished') return;
    untracked(() => {
      if (to < answer.steps.length) look.pinRange(from, to);
    });
    queueMicrotask(() => stop());
  });
}

/** Sets the page to what its address says; the packed answer is opened elsewhere. */
export async function applyAddress(look: Look, hash: string): Promise<void> {
  const { settings, question, example, steps } = readAddress(hash);
  look.setSettings(settings);
  if (example !== null) await chooseExample(look, example).catch(() => undefined);
  if (question !== null) look.setQuestion(question);
  if (steps !== null) selectLater(look, steps);
}

function addressOf(look: Look, examples: readonly Example[]): LookAddress {
  const { selection, shown, byPage } = look;
  const picked = selection.value.kind !== 'live' && !byPage.value;
  const picture = look.picture.value?.name;
  const linked = look.session.value.answer?.recorded === true ? readAddress(location.hash).trace : null;
  return {
    settings: look.settings.value,
    question: look.question.value,
    example: examples.find(({ name }) => name === picture)?.file ?? null,
    steps: picked && look.preview.value === null ? shown.value : null,
    trace: linked,
  };
}

/** Writes the address after each rest, while the Look page is shown. */
export async function followAddress(look: Look): Promise<void> {
  const examples = await fetchExamples().catch(() => []);
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    const address = addressOf(look, examples);
    if (route.value !== 'look') return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      // A click on a link changes the address at once and the page a moment later; the address is the newer of the two.
      if (routeOf(location.hash) !== 'look') return;
      const hash = writeAddress(address);
      const now = location.hash === '' ? '#/look' : location.hash;
      written = hash;
      if (hash !== now) history.replaceState(history.state, '', hash);
    }, REST);
  });
}
