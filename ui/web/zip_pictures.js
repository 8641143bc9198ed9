// The pictures in a zip, which is never trusted: it is opened in the visitor's own browser, one picture at a time.
// Names are labels here, no paths; what a picture unpacks to is counted while it does.

import "./vendor/zip.js/zip-core.min.js"; // sets globalThis.zip

const { BlobReader, ZipReader, configure } = globalThis.zip;
const MAX_ENTRIES = 10_000; // of any kind; a directory of millions would take the browser's memory
const MAX_BYTES = 32 * 2 ** 20; // of one picture, as the server takes
const MAX_RATIO = 100; // pictures shrink to a half or a tenth; only empty ones shrink further
const FREE_BYTES = 2 * 2 ** 20; // up to this size the ratio does not matter
const READ_METHODS = [0, 8]; // stored, Deflate

configure({ useWebWorkers: false }); // no worker is fetched or made; unpacking is native code either way

export class NoZip extends Error {}

// Returns { name, file } or { name, problem } for each picture in a zip; `file` is a function that unpacks it.
export async function zipPictures(blob, limit) {
  const found = [];
  let entries = 0;
  try {
    const options = { checkOverlappingEntry: true, filenameValidation: "tolerant" };
    for await (const entry of new ZipReader(new BlobReader(blob), options).getEntriesGenerator()) {
      entries += 1;
      if (entries > MAX_ENTRIES) throw new NoZip(`${blob.name} holds more than ${MAX_ENTRIES.toLocaleString("en")} files.`);
      if (entry.directory || isHidden(entry.filename)) continue;
      if (found.length <= limit) found.push(picture(entry));
    }
  } catch (error) {
    if (error instanceof NoZip) throw error;
    throw new NoZip(`${blob.name} is damaged or no zip: save it again.`);
  }
  return found;
}

function picture(entry) {
  const name = entry.filename;
  const problem = whyLeftOut(entry);
  return problem ? { name, problem } : { name, file: () => unpacked(entry) };
}

const isHidden = (name) => name.split("/").some((part) => /^(\.(?!\.)|__MACOSX)/.test(part));

function whyLeftOut(entry) {
  if (entry.filename.split(/[\\/]/).includes("..") || /^([\\/]|[A-Za-z]:)/.test(entry.filename)) {
    return "Its name leads out of the zip.";
  }
  if (entry.symlink) return "It is a link, not a file.";
  if (entry.encrypted) return "It is encrypted: save the zip without a password.";
  if (!READ_METHODS.includes(entry.compressionMethod)) return "It is compressed in an unusual way: zip it with Deflate.";
  if (/\.zip$/i.test(entry.filename)) return "It is a zip inside the zip: take it out and drop it by itself.";
  if (entry.uncompressedSize > MAX_BYTES) return tooLarge;
  if (entry.uncompressedSize > Math.max(FREE_BYTES, MAX_RATIO * entry.compressedSize)) {
    return `It unpacks to more than ${MAX_RATIO} times its size, as a zip bomb does.`;
  }
  return "";
}

const tooLarge = `It is larger than ${MAX_BYTES / 2 ** 20} MB.`;

// Returns a picture of the zip as a file; throws Error with a sentence.
async function unpacked(entry) {
  const pieces = [];
  let size = 0;
  const sink = new WritableStream({
    write(piece) {
      size += piece.length;
      if (size > MAX_BYTES) throw new NoZip(tooLarge);
      pieces.push(piece);
    },
  });
  try {
    await entry.getData(sink, { checkSignature: true, checkOverlappingEntry: true });
  } catch (error) {
    throw error instanceof NoZip ? error : new NoZip("This file in the zip is damaged: zip it again.");
  }
  return new File(pieces, entry.filename.split("/").pop());
}
