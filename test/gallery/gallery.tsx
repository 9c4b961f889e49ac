// Shows one state of the page at a time, the one that the address names (`#/state/name`); without a name, the list of all.
// It says on the root element which state is there, and lists all in `window.galleryStates`, so that a test can go through
// them.

import '../../src/ui/styles/layers.css';
import '../../src/ui/styles/tokens.css';
import '../../src/ui/styles/base.css';
import { render } from 'preact';
import { fetchErrorWords } from '../../src/ui/notice';
import { startTheme } from '../../src/ui/theme';
import { STATES, showState } from './gallery_shell';

/** What stands before a state's name in the address; the page's own places, which a state may name, begin otherwise. */
const ADDRESS = '#/state/';

function List() {
  return (
    <main class="page">
      <h1>Gallery of states</h1>
      <ul>
        {STATES.map(({ name }) => (
          <li key={name}>
            <a href={`${ADDRESS}${name}`}>{name}</a>
          </li>
        ))}
      </ul>
    </main>
  );
}

const root = document.getElementById('app') as HTMLElement;
let leave = (): void => undefined;

async function show(): Promise<void> {
  leave();
  render(null, root);
  delete document.documentElement.dataset.state;
  const state = STATES.find(({ name }) => `${ADDRESS}${name}` === location.hash);
  if (state === undefined) {
    leave = () => undefined;
    render(<List />, root);
    return;
  }
  leave = await showState(state, root);
  await document.fonts.ready;
  document.documentElement.dataset.state = state.name;
}

declare global {
  interface Window {
    galleryStates: readonly string[];
  }
}

window.galleryStates = STATES.map(({ name }) => name);
startTheme();
await fetchErrorWords();
addEventListener('hashchange', () => {
  if (location.hash.startsWith(ADDRESS)) void show();
});
await show();
