// Draws the page's icons: small stroked outlines on a 24-unit square. Every icon stands beside words or inside a
// labelled control, so all are hidden from screen readers.

/** Names of the icons. */
export type IconName =
  | 'eye'
  | 'think'
  | 'answer'
  | 'text'
  | 'send'
  | 'stop'
  | 'play'
  | 'pause'
  | 'again'
  | 'dice'
  | 'picture'
  | 'sun'
  | 'moon'
  | 'keys'
  | 'info'
  | 'camera'
  | 'compare'
  | 'add'
  | 'download'
  | 'share'
  | 'delete'
  | 'edit'
  | 'warning';

const PATHS: Record<IconName, readonly string[]> = {
  eye: ['M2 12s3.6-6.5 10-6.5S22 12 22 12s-3.6 6.5-10 6.5S2 12 2 12z', 'M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z'],
  think: ['M4 6h16', 'M4 12h11', 'M4 18h14'],
  answer: ['M4 4h16v16H4z', 'M8 12.5l2.8 2.8L16 9'],
  text: ['M5 6h14', 'M12 6v13'],
  send: ['M12 20V5', 'M6 11l6-6 6 6'],
  stop: ['M7 7h10v10H7z'],
  camera: ['M4 8h4l2-3h4l2 3h4v11H4z', 'M12 10a3 3 0 1 0 0 6 3 3 0 0 0 0-6z'],
  play: ['M8 5l11 7-11 7z'],
  pause: ['M8 5v14', 'M16 5v14'],
  again: ['M20 11a8 8 0 1 0-2.3 6.2', 'M20 5v6h-6'],
  dice: ['M4 4h16v16H4z', 'M9 9h.01', 'M15 15h.01', 'M15 9h.01', 'M9 15h.01'],
  picture: ['M4 5h16v14H4z', 'M4 16l5-5 4 4 3-3 4 4', 'M9 9h.01'],
  sun: [
    'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z',
    'M12 2v2',
    'M12 20v2',
    'M2 12h2',
    'M20 12h2',
    'M5 5l1.4 1.4',
    'M17.6 17.6L19 19',
    'M5 19l1.4-1.4',
    'M17.6 6.4L19 5',
  ],
  moon: ['M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z'],
  keys: ['M3 6h18v12H3z', 'M7 10h.01', 'M11 10h.01', 'M15 10h.01', 'M8 14h8'],
  compare: ['M4 5h7v14H4z', 'M15 5h5v14h-5'],
  add: ['M12 5v14', 'M5 12h14'],
  download: ['M12 4v11', 'M7 11l5 5 5-5', 'M5 20h14'],
  share: ['M12 15V4', 'M8 8l4-4 4 4', 'M6 12H5v8h14v-8h-1'],
  delete: ['M5 7h14', 'M9 7V4h6v3', 'M7 7l1 13h8l1-13'],
  edit: ['M5 19l1-4L16 5l3 3L9 18z', 'M14 7l3 3'],
  info: ['M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z', 'M12 11v5', 'M12 8h.01'],
  warning: ['M12 4l9 16H3z', 'M12 10v4', 'M12 17h.01'],
};

/** An icon for components. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {PATHS[name].map((d) => (
        <path key={d} d={d} />
      ))}
    </svg>
  );
}

/** The same icon as a DOM element, for the imperative islands. */
export function iconElement(name: IconName): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  for (const d of PATHS[name]) {
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}
