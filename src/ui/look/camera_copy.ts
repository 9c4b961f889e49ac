// The words of taking a picture with the camera.

/** Everything that the dialog says. */
export const CAMERA_COPY = {
  title: 'Take a picture',
  waiting: 'The browser asks whether this page may use the camera…',
  private: 'The picture stays on this device.',
  take: 'Take it',
  name: 'From the camera',
  refused: 'The camera was refused to this page, by you or by the browser’s settings.',
  missing: 'No camera was found on this device.',
  busy: 'The camera is used by another program, or stopped.',
  failed: 'The camera gave no picture.',
} as const;
