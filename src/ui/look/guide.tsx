// Draws the guide: four steps that are taken in the page itself, each ticked when it was done. Fetched on visits that want
// it.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { createGuide, GUIDE_STEPS, type Guide as GuideState } from '../../state/guide';
import { browserText } from '../browser_text';
import { Icon } from '../icons';
import { GUIDE_COPY } from './guide_copy';
import { showGuide } from './guide_shown';
import { useLook } from './look_context';
import '../styles/guide.css';

/** The guide, folded to one line. */
export function Guide() {
  const look = useLook();
  const guide = useSignal<GuideState | null>(null);
  useEffect(() => {
    const made = createGuide(look, browserText('look-back/guide-done'));
    guide.value = made;
    return made.stop;
  }, [look, guide]);
  if (guide.value === null) return null;
  const { done, next } = guide.value;
  return (
    <details class="guide" data-testid="guide" data-next={next.value ?? ''}>
      <summary>{GUIDE_COPY.summary(done.value.size, GUIDE_STEPS.length)}</summary>
      <div class="guide-text">
        <ol>
          {GUIDE_STEPS.map((step) => (
            <li
              key={step}
              data-done={done.value.has(step)}
              aria-current={next.value === step ? 'step' : undefined}
            >
              <Icon name={done.value.has(step) ? 'answer' : 'text'} />
              <div>
                <strong>{GUIDE_COPY.steps[step].title}</strong>
                {done.value.has(step) && <span class="visually-hidden">, {GUIDE_COPY.done}</span>}
                <p>{GUIDE_COPY.steps[step].how}</p>
              </div>
            </li>
          ))}
        </ol>
        {next.value === null && <p>{GUIDE_COPY.over}</p>}
        <button type="button" class="quiet" onClick={() => showGuide(false)}>
          {GUIDE_COPY.dismiss}
        </button>
        <p class="hint">{GUIDE_COPY.back}</p>
      </div>
    </details>
  );
}
