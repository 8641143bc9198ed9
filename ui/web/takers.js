// Who shows what was dropped, pasted or chosen: the first taker that wants the files gets them.
//
// A taker is { name, wants(files, config), make(bench) }. `make` imports the taker's own module, so that nothing is
// loaded before it is needed, and returns an object with
//   show(open, { asked, signal })  shows the files that `await open()` returns on bench.stage(name); what it throws is
//                                  said; `asked` is false for what the page opens itself
//   hide()                         another taker shows something now: stop what is running
//   modelChanged()                 optional: the visitor chose another model, see bench.model
export const takers = [
  {
    name: "picture", // last: whatever nobody else wants is read as one picture
    wants: () => true,
    make: async (bench) => new (await import("./picture.js")).PictureTaker(bench),
  },
];
