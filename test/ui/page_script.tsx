// Renders parts of the page over scripted engines, as the app shell would: what the components' tests run on.
import { cleanup, configure, render } from '@testing-library/preact';
import type { ComponentChildren } from 'preact';
import { afterEach } from 'vitest';
import type { Library } from '../../src/state/library';
import type { Look } from '../../src/state/look';
import type { Train } from '../../src/state/train';
import { LibraryContext, LookContext } from '../../src/ui/look/look_context';
import { fetchErrorWords } from '../../src/ui/notice';
import { TrainContext } from '../../src/ui/train/train_context';

// Without a style sheet nothing is hidden, and asking for it takes most of the time.
configure({ defaultHidden: true });
afterEach(cleanup);
await fetchErrorWords();

/** Renders within the contexts of the app shell. */
export function renderIn({ look, library }: { look: Look; library: Library }, children: ComponentChildren) {
  return render(
    <LookContext.Provider value={look}>
      <LibraryContext.Provider value={library}>{children}</LibraryContext.Provider>
    </LookContext.Provider>,
  );
}

/** Renders a part of the Train page. */
export function renderTrain(train: Train, children: ComponentChildren) {
  return render(<TrainContext.Provider value={train}>{children}</TrainContext.Provider>);
}
