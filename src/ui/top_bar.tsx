// Draws the top bar: the pages, the model, the adapter, the device, keys and theme. It says what is loaded and what
// is going on, on every page.

import { useComputed } from '@preact/signals';
import { isLive } from '../state/session';
import { COPY } from './copy';
import { Icon } from './icons';
import { AdapterChip } from './look/adapter_chip';
import { useLook } from './look/look_context';
import { ROUTES, route } from './route';
import { chooseTheme, theme } from './theme';

function Nav() {
  const look = useLook();
  const live = useComputed(() => {
    const { training } = look.session.value;
    return training !== null && isLive(training.state);
  });
  return (
    <nav class="pages" aria-label={COPY.app.pages}>
      {ROUTES.map((name) => (
        <a
          key={name}
          href={`#/${name}`}
          aria-current={route.value === name ? 'page' : undefined}
          data-testid={`nav-${name}`}
        >
          {COPY.app.routes[name]}
          {name === 'train' && live.value && (
            <span class="run-dot" title={COPY.app.training}>
              <span class="visually-hidden">, {COPY.app.training}</span>
            </span>
          )}
        </a>
      ))}
    </nav>
  );
}

function ModelChip() {
  const look = useLook();
  const models = look.models.value;
  const none = models.length === 0;
  return (
    <span class="top-chip model-chip">
      <label>
        <span class="visually-hidden">{COPY.app.model}</span>
        <select
          value={look.wantedModel.value ?? ''}
          disabled={none}
          onChange={(event) => void look.loadModel(event.currentTarget.value)}
        >
          {none && <option value="">{look.loading.value ? COPY.app.modelsWait : COPY.app.noModel}</option>}
          {models.map(({ id, label }) => (
            <option key={id} value={id}>
              {label}
            </option>
          ))}
        </select>
      </label>
    </span>
  );
}

function DeviceChip() {
  const look = useLook();
  const device = useComputed(() => look.session.value.device);
  const shown = device.value;
  return (
    <span
      class="top-chip device"
      data-testid="device"
      title={shown?.software ? COPY.app.softwareWhy : undefined}
    >
      <span class="visually-hidden">{COPY.app.device}: </span>
      <span class="device-name">{shown?.description ?? COPY.app.noDevice}</span>
      {shown?.software && <span class="badge">{COPY.app.software}</span>}
    </span>
  );
}

/** The top bar. */
export function TopBar({ showKeys }: { readonly showKeys: () => void }) {
  const other = theme.value === 'dark' ? 'light' : 'dark';
  return (
    <header class="top-bar">
      <h1>
        <Icon name="eye" /> <span>{COPY.app.name}</span>
      </h1>
      <Nav />
      <ModelChip />
      {route.value === 'look' && <AdapterChip />}
      <span class="spacer" />
      <DeviceChip />
      <button
        type="button"
        class="icon-button keys-button"
        aria-label={COPY.app.keys}
        title={COPY.app.keys}
        onClick={showKeys}
      >
        <Icon name="keys" />
      </button>
      <button
        type="button"
        class="icon-button"
        aria-label={COPY.app.themeTo[other]}
        title={COPY.app.themeTo[other]}
        onClick={() => chooseTheme(other)}
      >
        <Icon name={other === 'dark' ? 'moon' : 'sun'} />
      </button>
    </header>
  );
}
