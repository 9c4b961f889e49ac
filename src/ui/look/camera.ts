// Asks the browser for its camera and takes one picture from it. Nothing is recorded or sent, and the camera is let go at once.

import { DataError } from '../../lib/errors';
import { CAMERA_COPY } from './camera_copy';

/** Why there is no camera, in words that say what to do. */
export function cameraError(thrown: unknown): DataError {
  const name = thrown instanceof Error ? thrown.name : '';
  const why =
    name === 'NotAllowedError'
      ? CAMERA_COPY.refused
      : name === 'NotFoundError' || name === 'OverconstrainedError'
        ? CAMERA_COPY.missing
        : name === 'NotReadableError' || name === 'AbortError'
          ? CAMERA_COPY.busy
          : CAMERA_COPY.failed;
  return new DataError('data/camera', why, { name }, thrown);
}

/**
 * Opens the camera that looks away from the person, where there are two; the browser asks for permission first.
 * @throws {DataError} `data/camera` if it is refused, missing or in use
 */
export async function openCamera(): Promise<MediaStream> {
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: 'environment' } });
  } catch (thrown) {
    throw cameraError(thrown);
  }
}

/** Lets the camera go. */
export function closeCamera(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

/**
 * What the video shows now, as PNG.
 * @throws {DataError} `data/camera` before its first frame
 */
export async function pictureFrom(video: HTMLVideoElement): Promise<Blob> {
  const { videoWidth: width, videoHeight: height } = video;
  const context = width > 0 ? new OffscreenCanvas(width, height).getContext('2d') : null;
  if (context === null) throw new DataError('data/camera', CAMERA_COPY.failed);
  context.drawImage(video, 0, 0);
  return context.canvas.convertToBlob({ type: 'image/png' });
}
