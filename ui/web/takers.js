// Who shows what was dropped, pasted or chosen: the first taker that wants the files gets them.
//
// A taker is { name, wants(files, config), make(bench) }. `make` imports the taker's own module, so that nothing is
// loaded before it is needed, and returns an object with
//   show(open, { asked, signal })  shows the files that `await open()` returns on bench.stage(name); what it throws is
//                                  said; `asked` is false for what the page opens itself
//   hide()                         another taker shows something now: stop what is running
//   modelChanged()                 optional: the visitor chose another model, see bench.model
const PATCH_BYTES = 64 * 1024; // a patch of 127 px takes 48 kB uncompressed; what is larger may be a field or a slide

export const isZip = (file) => /\.zip$/i.test(file.name) || /^application\/(x-)?zip/.test(file.type);

export const takers = [
  {
    name: "stack",
    wants: (files) => files.length > 1 || files.some(isZip),
    make: async (bench) => new (await import("./stack.js")).StackTaker(bench),
  },
  {
    name: "slide",
    wants: (files, { scans }) => scans && files.length === 1 && files[0].size > PATCH_BYTES,
    make: async (bench) => new (await import("./slide.js")).SlideTaker(bench),
  },
  {
    name: "picture", // last: whatever nobody else wants is read as one picture
    wants: () => true,
    make: async (bench) => new (await import("./picture.js")).PictureTaker(bench),
  },
];
