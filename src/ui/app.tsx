// Draws the app's shell: messages, the page that the address names, the engine's line, the list of keys, announcements.
// Look's state lives on while another page is shown; only its elements go. Exactly one polite status announces, and
// only what changed.

import { useComputed, useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Library } from '../state/library';
import type { Look } from '../state/look';
import { COPY } from './copy';
import { Dock } from './dock';
import { Icon } from './icons';
import { type Draw, LazyPage } from './lazy_page';
import { LibraryContext, LookContext, useLook } from './look/look_context';
import { LookPage } from './look/look_page';
import { keptOffline } from './offline';
import type { Pages } from './pages';
import { route } from './route';
import { Status } from './status';
import { TopBar } from './top_bar';
import './styles/app.css';
import './styles/embed.css';

/** What concerns the whole page beside the engine's own line. */
function Messages() {
  const look = useLook();
  const trouble = useComputed(() => look.session.value.deviceTrouble);
  const doubt = useComputed(() => look.session.value.model?.doubt ?? null);
  return (
    <div class="messages">
      {trouble.value !== null && (
        <p class={`banner banner-${trouble.value}`} data-testid="device-trouble" data-state={trouble.value}>
          <Icon name={trouble.value === 'restored' ? 'info' : 'warning'} /> {COPY.trouble[trouble.value]}
        </p>
      )}
      {doubt.value !== null && (
        <p class="banner banner-lost" data-testid="model-doubt">
          <Icon name="warning" /> {doubt.value}
        </p>
      )}
    </div>
  );
}

/** Shows the list of keys, which is fetched when it is first wanted. */
function Keys({ open }: { readonly open: { value: boolean } }) {
  const load = useRef(async (): Promise<Draw> => {
    const { KeysDialog } = await import('./keys_dialog');
    return () => (
      <KeysDialog
        onClose={() => {
          open.value = false;
        }}
      />
    );
  });
  return open.value ? <LazyPage load={load.current} /> : null;
}

function TitleAndFocus({ main }: { readonly main: RefObject<HTMLElement | null> }) {
  const first = useRef(true);
  const shown = route.value;
  useEffect(() => {
    document.title = shown === 'look' ? COPY.app.name : `${COPY.app.routes[shown]} · ${COPY.app.name}`;
    if (!first.current) {
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    first.current = false;
  }, [shown, main]);
  return null;
}

/** A file dropped beside a page that takes none would replace the page in the tab. */
function useHarmlessDrops(): void {
  useEffect(() => {
    const stop = (event: DragEvent) => {
      if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
    };
    document.addEventListener('dragover', stop);
    document.addEventListener('drop', stop);
    return () => {
      document.removeEventListener('dragover', stop);
      document.removeEventListener('drop', stop);
    };
  }, []);
}

function Shell({ pages }: { readonly pages: Pages }) {
  const main = useRef<HTMLElement>(null);
  const keysOpen = useSignal(false);
  const showKeys = () => {
    keysOpen.value = true;
  };
  useHarmlessDrops();
  const shown = route.value;
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        {COPY.app.skip}
      </button>
      <TopBar showKeys={showKeys} />
      <main
        ref={main}
        id="content"
        tabIndex={-1}
        class={shown === 'look' ? 'look' : 'page'}
        data-page={shown}
      >
        <Messages />
        {shown === 'look' ? <LookPage showKeys={showKeys} /> : <LazyPage key={shown} load={pages[shown]} />}
      </main>
      <footer class="page-foot">
        <p>
          {COPY.app.tagline} {COPY.app.private} {keptOffline.value && COPY.app.kept}
        </p>
      </footer>
      <Dock />
      <Status />
      <Keys open={keysOpen} />
      <TitleAndFocus main={main} />
    </>
  );
}

/** The whole app over the state of the Look page and of what is stored. */
export function App({
  look,
  library,
  pages,
}: {
  readonly look: Look;
  readonly library: Library;
  readonly pages: Pages;
}) {
  return (
    <LookContext.Provider value={look}>
      <LibraryContext.Provider value={library}>
        <Shell pages={pages} />
      </LibraryContext.Provider>
    </LookContext.Provider>
  );
}
