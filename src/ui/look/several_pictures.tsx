// Draws the pictures of a question about several, side by side: each with the name that questions call it by, its heatmap,
// and buttons that move it or take it out. Fetched when there is more than one.

import { Icon } from '../icons';
import { useLook } from './look_context';
import { PictureCanvas } from './picture_canvas';
import { SEVERAL } from './several_pictures_copy';
import { useShownPictures } from './shown_pictures';
import '../styles/several_pictures.css';

/** The pictures, in the order in which the model reads them. */
export function SeveralPictures() {
  const look = useLook();
  const { pictures } = useShownPictures().value;
  const most = look.session.value.model?.maxPictures ?? null;
  const move = (at: number, by: -1 | 1): void => {
    const order = [...pictures];
    order.splice(at + by, 0, ...order.splice(at, 1));
    look.arrangePictures(order);
  };
  return (
    <>
      <ol class="several-pictures" data-testid="several-pictures">
        {pictures.map(({ id, name }, at) => (
          <li key={id}>
            <div class="several-head">
              <b>{SEVERAL.called(at)}</b>
              <span class="several-name">{name}</span>
              <button
                type="button"
                class="icon-button"
                aria-label={SEVERAL.earlier(at)}
                title={SEVERAL.earlier(at)}
                disabled={at === 0}
                onClick={() => move(at, -1)}
              >
                <span aria-hidden="true">←</span>
              </button>
              <button
                type="button"
                class="icon-button"
                aria-label={SEVERAL.later(at)}
                title={SEVERAL.later(at)}
                disabled={at === pictures.length - 1}
                onClick={() => move(at, 1)}
              >
                <span aria-hidden="true">→</span>
              </button>
              <button
                type="button"
                class="icon-button"
                aria-label={SEVERAL.remove(at)}
                title={SEVERAL.remove(at)}
                onClick={() => look.arrangePictures(pictures.filter((one) => one.id !== id))}
              >
                <Icon name="delete" />
              </button>
            </div>
            <PictureCanvas at={at} />
          </li>
        ))}
      </ol>
      <p class="hint">{most === 1 ? SEVERAL.onlyOne : SEVERAL.how(most)}</p>
    </>
  );
}
