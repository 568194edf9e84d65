// A photo from the computer's or the phone's camera.

import { open, toast } from "./dialogs.js";
import { h, icon, iconButton } from "./dom.js";
import { t } from "./words.js";

// Resolves with a JPEG file, or null where none was taken.
export async function takePhoto() {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1920 } } });
  } catch {
    toast(t("no_camera"));
    return null;
  }
  const video = h("video", { autoplay: true, muted: true, playsinline: true });
  video.srcObject = stream;
  const shutter = h("button", { type: "button", class: "shutter", "aria-label": t("shutter"), autofocus: true }, icon("camera"));
  const dialog = h("dialog", { class: "viewer camera", "aria-label": t("camera") }, h("header", {}, iconButton("close", t("close"), () => dialog.close())), video, shutter);
  open(dialog);
  const blob = await new Promise((resolve) => {
    shutter.addEventListener("click", async () => {
      resolve(await still(video));
      dialog.close();
    });
    dialog.addEventListener("close", () => resolve(null));
  });
  for (const track of stream.getTracks()) track.stop();
  return blob && new File([blob], "camera.jpg", { type: "image/jpeg" });
}

function still(video) {
  const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
}
