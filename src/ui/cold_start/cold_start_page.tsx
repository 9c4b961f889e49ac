// Draws the Cold start page, which is reached from the Data page: the form to begin with, or the stages of the one in the
// making. Its one polite live region speaks of states, never of single waves.

import { computed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { PlainError } from '../../lib/plain_error';
import { COLD_START_SETTINGS } from '../../settings/cold_start_settings';
import type { BorrowPort } from '../../state/borrowed_model';
import type { ColdStart } from '../../state/cold_start';
import type { Library } from '../../state/library';
import type { Look } from '../../state/look';
import { Confirm } from '../confirm';
import { COPY } from '../copy';
import { errorCopy } from '../error_copy';
import { Icon } from '../icons';
import { Opening } from '../lazy_page';
import { useLook } from '../look/look_context';
import { BeginForm } from './begin_form';
import { COLD_START_COPY, newsWords } from './cold_start_copy';
import {
  FilterCard,
  InsertionCard,
  MixCard,
  RolloutsCard,
  SaveCard,
  SelectionCard,
  type StageProps,
} from './stage_cards';
import '../styles/train.css';
import '../styles/data.css';
import '../styles/library.css';
import '../styles/notice.css';
import '../styles/cold_start.css';

function Discard({ coldStart }: { readonly coldStart: ColdStart }) {
  const asking = useSignal(false);
  return (
    <>
      <button
        type="button"
        class="quiet"
        data-testid="cold-discard"
        disabled={coldStart.locked.value}
        onClick={() => {
          asking.value = true;
        }}
      >
        <Icon name="delete" /> {COLD_START_COPY.discard}
      </button>
      {asking.value && (
        <Confirm
          title={COLD_START_COPY.discardTitle}
          yes={COLD_START_COPY.discardYes}
          onNo={() => {
            asking.value = false;
          }}
          onYes={() => {
            asking.value = false;
            void coldStart.discard();
          }}
        >
          <p>{COLD_START_COPY.discardWhat}</p>
        </Confirm>
      )}
    </>
  );
}

function Stages({ coldStart, view, library }: StageProps & { readonly library: Library }) {
  const { plan, modelId, bytes } = view;
  const pictures = COLD_START_SETTINGS.pictures.choices[plan.pictures];
  return (
    <>
      <div class="cold-plan">
        <p data-testid="cold-plan">{COLD_START_COPY.plan(plan, modelId, pictures, bytes)}</p>
        <Discard coldStart={coldStart} />
      </div>
      {view.atWork === 'elsewhere' && (
        <p class="banner" data-testid="cold-elsewhere">
          <Icon name="info" /> {COLD_START_COPY.states.elsewhere}
        </p>
      )}
      <RolloutsCard coldStart={coldStart} view={view} />
      {view.rollouts.done > 0 && (
        <>
          <SelectionCard coldStart={coldStart} view={view} />
          <InsertionCard coldStart={coldStart} view={view} library={library} />
          <FilterCard coldStart={coldStart} view={view} />
          <MixCard coldStart={coldStart} view={view} />
          <SaveCard coldStart={coldStart} view={view} />
        </>
      )}
    </>
  );
}

/** What went wrong; what is kept stays, and the stages can be gone on with. */
function Failure({ coldStart, error }: { readonly coldStart: ColdStart; readonly error: PlainError }) {
  const { title, why } = errorCopy(error);
  return (
    <div class="notice compact" role="alert" data-code={error.code} data-testid="cold-failure">
      <Icon name="warning" />
      <div>
        <h3>{title}</h3>
        <p>{why}</p>
        <p>{COLD_START_COPY.states.failed}</p>
        <div class="notice-actions">
          <button type="button" onClick={() => void coldStart.open()}>
            {COLD_START_COPY.states.again}
          </button>
          <button type="button" class="quiet" onClick={coldStart.dismiss}>
            {COPY.app.dismiss}
          </button>
        </div>
      </div>
    </div>
  );
}

/** The state of the asking, for those who hear the page. */
function stateWords({ work, view }: ColdStart): string {
  if (work.value !== null) return COLD_START_COPY.states.asking;
  const rollouts = view.value?.rollouts;
  if (rollouts === undefined || rollouts.done === 0) return '';
  return rollouts.done === rollouts.total ? COLD_START_COPY.states.answered : COLD_START_COPY.states.paused;
}

function Messages({ coldStart }: { readonly coldStart: ColdStart }) {
  const error = coldStart.error.value;
  const news = coldStart.news.value;
  return (
    <>
      {error !== null && <Failure coldStart={coldStart} error={error} />}
      <div role="status" data-testid="cold-status">
        <p class="visually-hidden">{stateWords(coldStart)}</p>
        {news !== null && (
          <p class="banner banner-restored">
            <Icon name="info" /> {newsWords(news)}
          </p>
        )}
      </div>
    </>
  );
}

/** How another model is put on the device and the one before it again, with the adapter that was chosen. */
function portOf(look: Look): BorrowPort {
  const { session, adapter, comparing, loadModel, cancelLoad } = look;
  return {
    loaded: computed(() => session.value.model?.entry.id ?? null),
    error: computed(() => session.value.error),
    load: (id) => loadModel(id),
    cancel: cancelLoad,
    remember: () => {
      const [chosen, both] = [adapter.peek(), comparing.peek()];
      return () => {
        look.chooseAdapter(chosen);
        if (chosen !== null) look.setStrength(chosen.strength);
        look.setComparing(both);
      };
    },
  };
}

/** The page. */
export function ColdStartPage({
  coldStart,
  library,
}: {
  readonly coldStart: ColdStart;
  readonly library: Library;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  const look = useLook();
  useEffect(() => {
    coldStart.useModels(portOf(look));
    heading.current?.focus({ preventScroll: true });
    void coldStart.open();
    void library.refresh();
  }, [coldStart, library, look]);
  const view = coldStart.view.value;
  return (
    <div class="cold-start" data-testid="cold-start-page" aria-busy={coldStart.locked.value}>
      <header class="page-head">
        <p>
          <a class="quiet-link" href="#/data">
            ← {COLD_START_COPY.back}
          </a>
        </p>
        <h2 ref={heading} tabIndex={-1}>
          {COLD_START_COPY.title}
        </h2>
        <p class="hint">{COLD_START_COPY.about}</p>
      </header>
      <Messages coldStart={coldStart} />
      {!coldStart.known.value && <Opening />}
      {coldStart.known.value && view === null && <BeginForm coldStart={coldStart} library={library} />}
      {view !== null && <Stages coldStart={coldStart} view={view} library={library} />}
    </div>
  );
}
