// Files from anywhere on the page: dropped or pasted, they go to the tab that is open.

const benches = new Set();
let installed = false;

export function acceptFiles(element, take) {
  benches.add({ element, take });
  if (installed) return;
  installed = true;
  const open = () => [...benches].find((bench) => bench.element.isConnected && bench.element.offsetParent !== null);
  const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event) || !open()) return;
    event.preventDefault();
    document.body.classList.add("file-over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("file-over");
  });
  document.addEventListener("drop", (event) => {
    document.body.classList.remove("file-over");
    const bench = open();
    if (!carriesFiles(event) || !bench) return;
    event.preventDefault();
    const files = [...event.dataTransfer.files];
    if (files.length) bench.take(files);
  });
  document.addEventListener("paste", (event) => {
    const bench = open();
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length || !bench) return;
    event.preventDefault();
    bench.take(files);
  });
}
