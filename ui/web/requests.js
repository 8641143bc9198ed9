// Requests to the app's own routes. The file is the body, so that nothing has to store it.

export function root() {
  const address = window.gradio_config?.root ?? location.origin + location.pathname;
  return address.replace(/\/$/, "");
}

export class NotAnswered extends Error {
  constructor(message, said) {
    super(message);
    this.said = said; // the answer's body, with the picture where it could be read
    this.code = said?.title; // as in /llms.txt; "refused_image" where the guard refused
  }
}

export async function ask(route, query, file, signal) {
  const parameters = new URLSearchParams(query);
  let response;
  try {
    response = await fetch(`${root()}/page/${route}?${parameters}`, { method: "POST", body: file, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new NotAnswered("The app cannot be reached, or the file cannot be read: please try again.");
  }
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  throw new NotAnswered(said.error ?? "Something went wrong on our side: please try again.", said);
}

export async function exampleFile(name) {
  const response = await fetch(`${root()}/examples/${name}`);
  if (!response.ok) throw new NotAnswered("That example cannot be read: please try again.");
  return new File([await response.blob()], name.split("/").pop());
}

// Returns the image element of a data URL, decoded.
export async function loaded(url) {
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  return picture;
}
