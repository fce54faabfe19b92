// @ts-check
// Uploads a picture that the person has picked, dropped or pasted.

import { RestError, restErrorOf } from "./rest.js";
import { phrase } from "./texts/texts.js";

/** @import { SeedSummary } from "./rest.js" */

/**
 * Uses XMLHttpRequest, because fetch does not report the progress of an upload.
 *
 * @param {File} file
 * @param {(fraction: number) => void} onProgress
 * @returns {Promise<SeedSummary>}
 */
export function uploadSeed(file, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/seeds?title=${encodeURIComponent(titleOf(file.name))}`);
    request.setRequestHeader("content-type", file.type || "application/octet-stream");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      if (request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(restErrorOf(request.status, request.responseText));
    });
    request.addEventListener("error", () => reject(new RestError(phrase("common.noAnswer"), 0, null)));
    request.send(file);
  });
}

/**
 * @param {string} fileName
 * @returns {string} the file name as words, without its extension
 */
export function titleOf(fileName) {
  const words = fileName.replace(/\.[^.]*$/, "").replace(/[_-]+/g, " ").trim();
  return words === "" || words === "image" ? phrase("gallery.myPicture") : words.slice(0, 80);
}

/**
 * @param {(files: readonly File[]) => void} onFiles at least one
 * @param {() => boolean} isWelcome whether the present screen can accept files
 */
export function listenForFiles(onFiles, isWelcome) {
  let depth = 0;
  const mark = () => document.body.classList.toggle("is-dropping", depth > 0);
  document.addEventListener("dragenter", (event) => {
    if (!isWelcome() || !event.dataTransfer?.types.includes("Files")) return;
    depth += 1;
    mark();
  });
  document.addEventListener("dragleave", () => {
    depth = Math.max(depth - 1, 0);
    mark();
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    mark();
    offer(event.dataTransfer?.files);
  });
  document.addEventListener("paste", (event) => offer(event.clipboardData?.files));

  /** @param {FileList | undefined} files */
  function offer(files) {
    if (files?.length && isWelcome()) onFiles([...files]);
  }
}
