// Keeps the moving part of a project's page fresh: the server renders it, this only swaps it in.
const live = document.getElementById("live");
let shown = "";
let timer = 0;

const alike = (one, other) => (other.id ? one.id === other.id : one.outerHTML === other.outerHTML);

function swapIn(html) {
  const focused = live.contains(document.activeElement) && document.activeElement;
  const unfolded = [...live.querySelectorAll("details[open]")].map(one => one.id);
  const scrolled = [...live.querySelectorAll(".scrolled[id]")].map(one => [one.id, one.scrollTop]);
  live.innerHTML = html;
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
  for (const [id, top] of scrolled) document.getElementById(id)?.scrollTo(0, top);
  shown = html;
  document.dispatchEvent(new Event("live"));
  if (focused) [...live.querySelectorAll(focused.localName)].find(one => alike(one, focused))?.focus({ preventScroll: true });
}

async function look() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const answer = await fetch(live.dataset.url);
    if (answer.status === 401) return location.reload();
    const html = answer.ok ? await answer.text() : shown;
    if (html !== shown) swapIn(html);
    live.classList.toggle("stale", !answer.ok);
  } catch {
    live.classList.add("stale");
  }
  const pause = Number(document.getElementById("live-body").dataset.poll);
  clearTimeout(timer);
  timer = setTimeout(look, pause);
}

document.addEventListener("visibilitychange", look);
timer = setTimeout(look, 1000);
