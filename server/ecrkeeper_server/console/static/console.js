// A live update replaces a part of the page: what the reader opened or closed there stays so.
(() => {
  const marked = new Map();
  const details = (part) => part.querySelectorAll("details[id]");
  document.addEventListener("toggle", (event) => marked.set(event.target.id, event.target.open), true);
  document.addEventListener("htmx:sseMessage", (event) => {
    for (const each of details(event.target)) if (marked.has(each.id)) each.open = marked.get(each.id);
  });
})();
