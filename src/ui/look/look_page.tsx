// Draws the Look page: the picture, the question, the answer or two of them side by side, the chart, and the page's
// keys. Leaving the page ends nothing, as all state lives outside of it.

import { useEffect, useRef } from 'preact/hooks';
import { ChartPanel } from '../chart/chart_panel';
import { type Draw, LazyPage } from '../lazy_page';
import { AskBox } from './ask_box';
import { listenToKeys } from './keyboard';
import { useLook } from './look_context';
import { PictureNotes, PicturePanel } from './picture_panel';
import { StreamPanel } from './stream_panel';

// Fetched when someone first compares.
async function loadCompare(): Promise<Draw> {
  const { ComparePanel } = await import('./compare_panel');
  return () => <ComparePanel />;
}

async function loadCompareChart(): Promise<Draw> {
  const { CompareChartPanel } = await import('../chart/compare_chart');
  return () => <CompareChartPanel />;
}

/** The Look page. */
export function LookPage({ showKeys }: { readonly showKeys: () => void }) {
  const look = useLook();
  const comparing = look.comparing.value;
  const question = useRef<HTMLTextAreaElement>(null);
  const keys = useRef(showKeys);
  keys.current = showKeys;
  useEffect(
    () =>
      listenToKeys(look, {
        focusQuestion: () => question.current?.focus(),
        showKeys: () => keys.current(),
      }),
    [look],
  );
  return (
    <>
      <div class="picture-column">
        <PicturePanel />
        <PictureNotes />
      </div>
      <div class="conversation">
        <AskBox field={question} />
        {comparing ? <LazyPage load={loadCompare} /> : <StreamPanel />}
      </div>
      {comparing ? <LazyPage load={loadCompareChart} /> : <ChartPanel />}
    </>
  );
}
