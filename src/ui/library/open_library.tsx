// Makes the Library page's own state with what the page's browser gives (its settings, its clock, its ways to save a file),
// and says how the page is drawn.

import { createBackup } from '../../state/backup';
import { createHubAdapter } from '../../state/hub_adapter';
import type { HubState } from '../../state/hub_choice';
import type { Library } from '../../state/library';
import type { EngineClient } from '../../worker/client';
import { download } from '../download';
import { addSettings, keptSettings } from '../kept_settings';
import type { Draw } from '../lazy_page';
import { LibraryPage } from './library_page';
import { chooseSaveTarget } from './save_target';

/** The page over an engine's client and what is stored. */
export function openLibrary(client: EngineClient, library: Library, hub: HubState): Draw {
  const now = () => performance.now();
  const hubAdapter = createHubAdapter({ client, library, hub, now });
  const backup = createBackup({
    ...{ client, now, save: download },
    settings: { all: () => keptSettings(), add: (settings) => addSettings(settings) },
    chooseFile: (name) => chooseSaveTarget(name),
    date: () => Date.now(),
  });
  return () => <LibraryPage {...{ library, hubAdapter, backup }} />;
}
