// Draws the Models page: what can be chosen, whether it fits before anything is downloaded, and how it arrives.

import { useEffect } from 'preact/hooks';
import type { Arrival } from '../../state/arrival';
import type { Library } from '../../state/library';
import { Notice } from '../notice';
import { DownloadPanel } from './download_panel';
import { FitPanel } from './fit_panel';
import { ModelChoice } from './model_choice';
import { MODELS_COPY } from './models_copy';
import '../styles/models.css';

/** What trying again means for an error: the download that it ended, or else the verdict. */
function retryOf(arrival: Arrival): () => void {
  return () => void (arrival.download.value?.state === 'paused' ? arrival.resume() : arrival.judge());
}

/** The page. */
export function ModelsPage({ arrival, library }: { readonly arrival: Arrival; readonly library: Library }) {
  useEffect(() => {
    void arrival.open();
    void library.refresh();
  }, [arrival, library]);
  const error = arrival.error.value;
  return (
    <>
      <header class="page-head">
        <h2>{MODELS_COPY.title}</h2>
        <p class="hint">{MODELS_COPY.about}</p>
      </header>
      <DownloadPanel arrival={arrival} />
      {error !== null && <Notice error={error} retry={retryOf(arrival)} dismiss={arrival.dismiss} />}
      <div class="models-columns">
        <ModelChoice arrival={arrival} library={library} />
        <FitPanel arrival={arrival} />
      </div>
    </>
  );
}
