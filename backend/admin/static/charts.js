// Draws each canvas[data-chart] from its own figures; colours are custom properties of the style sheet.
const drawn = new Map();

function coloured(value, style) {
  if (typeof value === "string" && value.startsWith("--")) return style.getPropertyValue(value).trim();
  if (Array.isArray(value)) return value.map(one => coloured(one, style));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, coloured(one, style)]));
}

function draw() {
  const style = getComputedStyle(document.documentElement);
  Chart.defaults.color = style.getPropertyValue("--muted").trim();
  Chart.defaults.borderColor = style.getPropertyValue("--line").trim();
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.animation = false;
  Chart.defaults.maintainAspectRatio = false;
  for (const [canvas, chart] of drawn) chart.destroy(), drawn.delete(canvas);
  for (const canvas of document.querySelectorAll("canvas[data-chart]")) {
    drawn.set(canvas, new Chart(canvas, coloured(JSON.parse(canvas.dataset.chart), style)));
  }
}

draw();
document.addEventListener("live", draw); // the live part was swapped
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
