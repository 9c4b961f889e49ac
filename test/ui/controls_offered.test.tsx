// Messages against what the page offers: every control that a message names is there, on the page that it names.
import { describe, expect, it } from 'vitest';
import { createDatasets } from '../../src/state/datasets';
import { createDeviceCheck } from '../../src/state/device_check';
import { createEvaluations } from '../../src/state/evaluations';
import { createQualityState } from '../../src/state/model_quality';
import { createResults } from '../../src/state/results';
import { CONTROLS, type NamedControl } from '../../src/ui/controls';
import { DataPage } from '../../src/ui/data/data_page';
import { LabPage } from '../../src/ui/evaluation/lab_page';
import { LibraryPage } from '../../src/ui/library/library_page';
import { ModelsPage } from '../../src/ui/models/models_page';
import { Notice } from '../../src/ui/notice';
import type { Route } from '../../src/ui/route';
import { TopBar } from '../../src/ui/top_bar';
import { PlanPanel } from '../../src/ui/train/plan_panel';
import { RunPanel } from '../../src/ui/train/run_panel';
import { arrivalOf, pauseDownload, startDownload } from '../state/arrival_script';
import { adapterOf, datasetOf, runOf, settled, statusOf } from '../state/train_script';
import { renderIn, renderTrain } from './page_script';
import { shelf, trainPage } from './page_state';

/** What a person can press, open or fill in, by the words that it shows. */
function offered(root: Element): string[] {
  const found = root.querySelectorAll('button, a, summary, label');
  return [...found].map((one) => {
    // The choices of a menu are not its label.
    const copy = one.cloneNode(true) as Element;
    for (const menu of copy.querySelectorAll('select')) menu.remove();
    return (copy.textContent ?? '').trim();
  });
}

const STORED = {
  adapters: [adapterOf('a1')],
  runs: [runOf('r1')],
  datasets: [datasetOf('d1', 3, 3)],
};

/** Everything that a page offers, over the states that it is in. */
async function offers(page: Route | null): Promise<string[]> {
  const stored = await shelf(STORED);
  const { look, library, hubAdapter, backup, engine } = stored;
  switch (page) {
    case null: {
      const bar = renderIn(stored, <TopBar showKeys={() => undefined} />);
      const notice = renderIn(stored, <Notice error={{ code: 'internal/unknown', message: 'x' }} />);
      return [...offered(bar.container), ...offered(notice.container)];
    }
    case 'library':
      return offered(renderIn(stored, <LibraryPage {...{ library, hubAdapter, backup }} />).container);
    case 'data': {
      const datasets = createDatasets(engine, library);
      return offered(
        renderIn(stored, <DataPage {...{ datasets, library }} coldStart={async () => () => null} />)
          .container,
      );
    }
    case 'lab': {
      const evaluations = createEvaluations(engine);
      const results = createResults(async () => []);
      return offered(renderIn(stored, <LabPage {...{ evaluations, library, results }} />).container);
    }
    case 'models': {
      const { arrival } = arrivalOf(stored);
      const page = renderIn(
        stored,
        <ModelsPage
          {...{ arrival, library }}
          quality={createQualityState(engine)}
          check={createDeviceCheck(engine)}
        />,
      );
      await settled();
      await startDownload(arrival, engine);
      const downloading = offered(page.container);
      await pauseDownload(arrival, engine);
      return [...downloading, ...offered(page.container)];
    }
    case 'train': {
      const { client, train } = await trainPage({ runs: [runOf('r1')] });
      // Without the charts, which need a canvas.
      const panels = (
        <>
          <PlanPanel />
          <RunPanel />
        </>
      );
      const { container } = renderTrain(train, panels);
      const paused = offered(container);
      client.emit(statusOf('r1', 'running', 5));
      await settled();
      return [...paused, ...offered(container)];
    }
    case 'look':
      throw new Error(`No message names a control of ${look}`);
  }
}

const NAMED = Object.entries(CONTROLS) as [keyof typeof CONTROLS, NamedControl][];

describe('a control that messages name', () => {
  it.each([...new Set(NAMED.map(([, { page }]) => page))])('is on the page that has it: %s', async (page) => {
    const labels = NAMED.filter(([, one]) => one.page === page).map(([, { label }]) => label);
    const found = await offers(page);
    const shows = (label: string) => found.some((words) => words === label || words.startsWith(`${label} `));
    expect(labels.filter((label) => !shows(label))).toEqual([]);
  });
});
