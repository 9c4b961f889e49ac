// Lists the tokens that attended most to the chosen region of the picture, each with its number, and selects one by a press.

import { percent } from '../../state/attention_view';
import { useLook } from './look_context';
import { REGION_COPY } from './region_copy';
import '../styles/region.css';

/** The list; nothing without a region. */
export function RegionPanel() {
  const look = useLook();
  const region = look.region.value;
  if (region === null) return null;
  return (
    <div class="region" data-testid="region">
      <p>
        {look.regionSentence.value}{' '}
        <button type="button" class="quiet small" onClick={look.clearRegion}>
          {REGION_COPY.clear}
        </button>
      </p>
      <ol class="region-tokens" aria-label={REGION_COPY.title} title={REGION_COPY.number}>
        {look.attending.value.map(({ step, text, mass }) => (
          <li key={step}>
            <button
              type="button"
              class="chip"
              aria-label={`${REGION_COPY.pin(text, step)}: ${percent(mass)}`}
              onClick={() => look.pin(step)}
            >
              <span class="mono">{text}</span> {percent(mass)}
            </button>
          </li>
        ))}
      </ol>
    </div>
  );
}
