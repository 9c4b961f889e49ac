// Draws what can be chosen: the page's own model, the catalogue, a name on the hub, a folder; and where the hub is.

import { useSignal } from '@preact/signals';
import { formatBytes } from '../../lib/format';
import { hubReference } from '../../lib/hub_reference';
import type { Arrival } from '../../state/arrival';
import type { Library } from '../../state/library';
import type { CatalogueEntry } from '../../state/model_catalogue';
import { FilePicker, useFileDrop } from '../file_picker';
import { useLook } from '../look/look_context';
import { NameField } from '../name_field';
import { MODELS_COPY } from './models_copy';

interface ChoiceProps {
  readonly arrival: Arrival;
  readonly library: Library;
}

interface OfferProps {
  readonly id: string;
  readonly label: string;
  readonly about: string;
  readonly badge: string | null;
  readonly chosen: boolean;
  readonly onChoose: () => void;
}

/** Brings the verdict into view where it does not stand beside the list; the keyboard's choices stay where they are. */
function reveal(): void {
  requestAnimationFrame(() => document.getElementById('fit-title')?.scrollIntoView({ block: 'nearest' }));
}

/** One model of a list: a radio button with what is known of it. */
function Offer({ id, label, about, badge, chosen, onChoose }: OfferProps) {
  return (
    <label class="offer" data-chosen={chosen} onPointerUp={reveal}>
      <input type="radio" name="model-offer" value={id} checked={chosen} onChange={onChoose} />
      <span class="offer-name">{label}</span>
      {badge !== null && <span class="badge plain">{badge}</span>}
      <span class="hint offer-about">{about}</span>
    </label>
  );
}

function aboutEntry({ family, parameters, bytes, imageTokens }: CatalogueEntry): string {
  const size = bytes === null ? MODELS_COPY.unknownSize : formatBytes(bytes);
  const count = parameters === null ? '' : `, ${MODELS_COPY.billion(parameters)}`;
  return `${family}${count}, ${size}, image tokens: ${imageTokens}`;
}

function Offers({ arrival, library }: ChoiceProps) {
  const look = useLook();
  const chosen = arrival.chosen.value?.id;
  const badge = (id: string): string | null => {
    const copy = library.models.value.find((stored) => stored.id === id);
    if (copy === undefined) return null;
    return copy.whole ? MODELS_COPY.stored : MODELS_COPY.part(copy.bytes);
  };
  const listed = new Set(arrival.catalogue.value.map(({ id }) => id));
  const page = look.models.value.filter(({ folder }) => folder !== '');
  const own = look.models.value.filter(({ id, folder }) => folder === '' && !listed.has(id));
  const parts = library.models.value.filter(({ id, whole }) => !whole && !listed.has(id));
  return (
    <fieldset class="offers">
      <legend class="visually-hidden">{MODELS_COPY.choose}</legend>
      {page.map(({ id, label, bytes }) => (
        <Offer
          key={id}
          {...{ id, label, badge: null, chosen: chosen === id }}
          about={`${MODELS_COPY.builtIn}, ${formatBytes(bytes)}`}
          onChoose={() => void arrival.choose({ id, revision: '', source: 'page' })}
        />
      ))}
      {own.map(({ id, label, bytes }) => (
        <Offer
          key={id}
          {...{ id, label, badge: MODELS_COPY.stored, chosen: chosen === id }}
          about={formatBytes(bytes)}
          onChoose={() => {
            const copy = library.models.value.find((stored) => stored.id === id);
            const source = id.includes('/') ? 'hub' : 'folder';
            void arrival.choose({ id, revision: copy?.revision ?? 'main', source });
          }}
        />
      ))}
      {parts.map(({ key, id, commit, bytes }) => (
        <Offer
          key={key}
          {...{ id, label: id, badge: MODELS_COPY.part(bytes), chosen: chosen === id }}
          about={MODELS_COPY.arriving}
          onChoose={() => void arrival.choose({ id, revision: commit, source: 'hub' })}
        />
      ))}
      {arrival.catalogue.value.map((entry) => (
        <Offer
          key={entry.id}
          {...{ id: entry.id, label: entry.id, badge: badge(entry.id), chosen: chosen === entry.id }}
          about={aboutEntry(entry)}
          onChoose={() => void arrival.choose({ id: entry.id, revision: entry.revision, source: 'hub' })}
        />
      ))}
    </fieldset>
  );
}

function OtherModel({ arrival }: { readonly arrival: Arrival }) {
  const id = useSignal('');
  const revision = useSignal('main');
  const wanted = hubReference(id.value);
  return (
    <form
      class="other-model"
      aria-label={MODELS_COPY.other}
      onSubmit={(event) => {
        event.preventDefault();
        if (wanted === null) return;
        if (wanted.revision !== null) revision.value = wanted.revision;
        void arrival.choose({
          id: wanted.id,
          revision: revision.value.trim() || 'main',
          source: 'hub',
        });
        reveal();
      }}
    >
      <h4>{MODELS_COPY.other}</h4>
      <NameField
        label={MODELS_COPY.otherId}
        text={id}
        placeholder={MODELS_COPY.otherIdExample}
        describedBy="other-model-why"
      />
      <span id="other-model-why" class="hint">
        {id.value.trim() !== '' && wanted === null ? MODELS_COPY.otherNot : MODELS_COPY.otherWhy}
      </span>
      <NameField label={MODELS_COPY.otherRevision} text={revision} />
      <button type="submit" disabled={wanted === null}>
        {MODELS_COPY.otherLook}
      </button>
    </form>
  );
}

function HubForm({ arrival }: { readonly arrival: Arrival }) {
  const address = useSignal(arrival.hub.value.address);
  const token = useSignal('');
  const used = useSignal(false);
  return (
    <details class="hub-form">
      <summary>{MODELS_COPY.hub}</summary>
      <form
        aria-label={MODELS_COPY.hub}
        onSubmit={(event) => {
          event.preventDefault();
          const given = token.value.trim();
          void arrival.useHub({ address: address.value, token: given === '' ? null : given }).then(() => {
            used.value = arrival.error.value === null;
          });
        }}
      >
        <label class="field">
          {MODELS_COPY.hubAddress}
          <input
            type="url"
            value={address.value}
            autocomplete="off"
            spellcheck={false}
            aria-describedby="hub-address-why"
            onInput={(event) => {
              address.value = event.currentTarget.value;
              used.value = false;
            }}
          />
        </label>
        <p id="hub-address-why" class="hint">
          {MODELS_COPY.hubAddressWhy}
        </p>
        <label class="field">
          {MODELS_COPY.hubToken}
          <input
            type="password"
            value={token.value}
            autocomplete="off"
            aria-describedby="hub-token-why"
            onInput={(event) => {
              token.value = event.currentTarget.value;
              used.value = false;
            }}
          />
        </label>
        <p id="hub-token-why" class="hint">
          {MODELS_COPY.hubTokenWhy}
        </p>
        <p class="hub-use">
          <button type="submit">{MODELS_COPY.hubUse}</button>{' '}
          <span class="hint">{used.value ? MODELS_COPY.hubUsed : ''}</span>
        </p>
      </form>
    </details>
  );
}

/** The panel. */
export function ModelChoice({ arrival, library }: ChoiceProps) {
  const take = arrival.chooseFolder;
  useFileDrop(take);
  return (
    <section class="panel model-choice" aria-labelledby="choose-model">
      <h3 id="choose-model">{MODELS_COPY.choose}</h3>
      <Offers arrival={arrival} library={library} />
      <OtherModel arrival={arrival} />
      <div class="folder-choice">
        <h4>{MODELS_COPY.folder}</h4>
        <FilePicker label={MODELS_COPY.folderPick} folder testId="model-folder" take={take} />
        <span class="hint">{MODELS_COPY.folderHint}</span>
      </div>
      <HubForm arrival={arrival} />
    </section>
  );
}
