// The threshold follows the slider, its line the threshold, and what would change follows both.
const form = document.getElementById("what-if-form");
const minimum = document.getElementById("min-support");
const slider = document.getElementById("slider");
const canvas = document.getElementById("balance-chart");
const most = Math.max(10, 1.2 * Number(slider.dataset.most));
let waiting = 0;

const atPlace = place => (place === 0 ? 0 : Math.round(most ** (place / 100)));
const placeOf = number => (number < 1 ? 0 : Math.min(100, Math.round((100 * Math.log(number)) / Math.log(most))));
const threshold = () => Number(minimum.value.trim() === "" ? slider.dataset.now : minimum.value);

function drawLine() {
  const chart = canvas && Chart.getChart(canvas);
  if (!chart) return;
  chart.data.datasets[0].data.fill(threshold() || null);
  chart.update();
}

async function foresee() {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim()));
  history.replaceState(null, "", `?${query}`);
  const answer = await fetch(`${form.dataset.url}?${query}`);
  if (answer.status === 401) return location.reload();
  if (answer.ok) document.getElementById("what-if").innerHTML = await answer.text();
}

function soon() {
  drawLine();
  clearTimeout(waiting);
  waiting = setTimeout(foresee, 200);
}

slider.hidden = false;
slider.value = placeOf(threshold());
slider.addEventListener("input", () => {
  minimum.value = atPlace(Number(slider.value));
  soon();
});
minimum.addEventListener("input", () => {
  slider.value = placeOf(threshold());
  soon();
});
form.addEventListener("change", soon);
if (canvas) {
  const rows = JSON.parse(canvas.dataset.chart).data.labels.length;
  canvas.parentElement.style.height = `${90 + 26 * rows}px`;
  addEventListener("load", drawLine);
}
