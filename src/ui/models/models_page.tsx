// Draws the Models page: what can be chosen, whether it fits before anything is downloaded, and how it arrives.

import { useEffect, useRef } from 'preact/hooks';
import type { Arrival } from '../../state/arrival';
import type { DeviceCheck } from '../../state/device_check';
import type { Library } from '../../state/library';
import type { QualityState } from '../../state/model_quality';
import { Notice } from '../notice';
import { DeviceCheckPanel } from './device_check_panel';
import { DownloadPanel } from './download_panel';
import { FitPanel } from './fit_panel';
import { ModelChoice } from './model_choice';
import { MODELS_COPY, verdictWords } from './models_copy';
import '../styles/models.css';

/** What trying again means for an error: the download that it ended, or else the verdict. */
function retryOf(arrival: Arrival): () => void {
  return () => void (arrival.download.value?.state === 'paused' ? arrival.resume() : arrival.judge());
}

/** What a screen reader is told: a verdict, or that a download began or was paused; never a step of it. */
function newsOf(arrival: Arrival): string {
  const download = arrival.download.value;
  const fit = arrival.fit.value;
  if (download?.state === 'paused') return MODELS_COPY.paused(download.id);
  if (download !== null) return MODELS_COPY.downloading(download.id);
  if (fit === null) return '';
  const { headline, rest } = verdictWords(fit);
  return [headline, rest].filter(Boolean).join(' ');
}

interface ModelsPageProps {
  readonly arrival: Arrival;
  readonly library: Library;
  readonly quality: QualityState;
  readonly check: DeviceCheck;
}

/** The page. */
export function ModelsPage({ arrival, library, quality, check }: ModelsPageProps) {
  useEffect(() => {
    void arrival.open();
    void library.refresh();
  }, [arrival, library]);
  const error = arrival.error.value;
  const message = useRef<HTMLDivElement>(null);
  // What was pressed may stand far below.
  useEffect(() => {
    if (error !== null) message.current?.scrollIntoView?.({ block: 'nearest' });
  }, [error]);
  return (
    <>
      <header class="page-head">
        <h2>{MODELS_COPY.title}</h2>
        <p class="hint">{MODELS_COPY.about}</p>
      </header>
      <p class="visually-hidden" aria-live="polite">
        {newsOf(arrival)}
      </p>
      <DownloadPanel arrival={arrival} />
      {error !== null && (
        <div ref={message}>
          <Notice error={error} retry={retryOf(arrival)} dismiss={arrival.dismiss} />
        </div>
      )}
      <div class="models-columns" data-chosen={arrival.chosen.value !== null}>
        <ModelChoice arrival={arrival} library={library} />
        <FitPanel arrival={arrival} quality={quality} />
      </div>
      <DeviceCheckPanel check={check} />
    </>
  );
}
