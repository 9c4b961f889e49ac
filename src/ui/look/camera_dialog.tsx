// Shows what the camera sees, and takes a picture of it for the question. Fetched when somebody first wants it.

import { type Signal, useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { type PlainError, plainError } from '../../lib/plain_error';
import { Modal } from '../confirm';
import { COPY } from '../copy';
import { Notice } from '../notice';
import { closeCamera, openCamera, pictureFrom } from './camera';
import { CAMERA_COPY } from './camera_copy';
import { useLook } from './look_context';
import '../styles/camera.css';

/** Shows the camera in `video` while the dialog is there. */
function useCamera(video: RefObject<HTMLVideoElement | null>, error: Signal<PlainError | null>): void {
  useEffect(() => {
    let stream: MediaStream | null = null;
    let gone = false;
    openCamera().then(
      (opened) => {
        stream = opened;
        if (gone) closeCamera(opened);
        else if (video.current !== null) video.current.srcObject = opened;
      },
      (thrown) => {
        error.value = plainError(thrown);
      },
    );
    return () => {
      gone = true;
      if (stream !== null) closeCamera(stream);
    };
  }, [video, error]);
}

/** The dialog; `onClose` ends it. */
export function CameraDialog({ onClose }: { readonly onClose: () => void }) {
  const look = useLook();
  const video = useRef<HTMLVideoElement>(null);
  const ready = useSignal(false);
  const error = useSignal<PlainError | null>(null);
  useCamera(video, error);
  const take = async () => {
    if (video.current === null) return;
    try {
      const picture = await pictureFrom(video.current);
      onClose();
      await look.choosePicture(picture, CAMERA_COPY.name);
    } catch (thrown) {
      error.value = plainError(thrown);
    }
  };
  return (
    <Modal title={CAMERA_COPY.title} onClose={onClose}>
      {error.value !== null && <Notice error={error.value} compact retry={null} />}
      {error.value === null && !ready.value && <p role="status">{CAMERA_COPY.waiting}</p>}
      <video
        ref={video}
        class="camera"
        autoplay
        playsinline
        muted
        hidden={!ready.value}
        aria-label={CAMERA_COPY.title}
        onLoadedData={() => {
          ready.value = true;
        }}
      />
      <p class="hint">{CAMERA_COPY.private}</p>
      <div class="dialog-actions">
        <button type="button" onClick={onClose}>
          {COPY.app.cancel}
        </button>
        <button type="button" class="primary" disabled={!ready.value} onClick={() => void take()}>
          {CAMERA_COPY.take}
        </button>
      </div>
    </Modal>
  );
}
