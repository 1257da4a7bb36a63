// A figure opens alone, to be enlarged; on a phone all code is folded.
document.addEventListener("DOMContentLoaded", () => {
  for (const image of document.querySelectorAll(".bd-article img")) {
    if (image.closest("a")) continue;
    const link = Object.assign(document.createElement("a"), { href: image.src, title: "Enlarge" });
    image.replaceWith(link);
    link.append(image);
  }
  if (!matchMedia("(max-width: 600px)").matches) return;
  for (const code of document.querySelectorAll(".bd-article .cell_input")) {
    if (code.closest("details")) continue;
    const fold = document.createElement("details");
    fold.append(Object.assign(document.createElement("summary"), { textContent: "Show the code" }));
    code.replaceWith(fold);
    fold.append(code);
  }
});
