// Presses what names a key by `data-key` when that key is struck and nothing is being typed.
document.addEventListener("keydown", event => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  const named = document.querySelectorAll(`[data-key="${CSS.escape(event.key)}"]`);
  const shown = [...named].find(one => one.checkVisibility() && !one.disabled);
  if (!shown) return;
  event.preventDefault();
  shown.click();
});

// On a narrow page the section that is open may lie beyond the edge of its row.
const showOpen = () => document.querySelectorAll("nav [aria-current]").forEach(one => {
  const row = one.closest("nav"), its = one.getBoundingClientRect();
  row.scrollLeft += its.left - row.getBoundingClientRect().left - (row.clientWidth - its.width) / 2;
});
showOpen();
addEventListener("resize", showOpen);
