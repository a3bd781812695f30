// Draws each canvas[data-chart] from its own figures; colours are custom properties of the style sheet.
const drawn = new Map();

function coloured(value, style) {
  if (typeof value === "string" && value.startsWith("--")) {
    const [name, alpha = ""] = value.split("/"); // two hexadecimal digits, of a colour of six
    return style.getPropertyValue(name).trim() + alpha;
  }
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
  Chart.defaults.plugins.legend.labels.filter = (item, data) => !data.datasets[item.datasetIndex].band;
  for (const [canvas, chart] of drawn) chart.destroy(), drawn.delete(canvas);
  for (const canvas of document.querySelectorAll("canvas[data-chart]")) {
    drawn.set(canvas, new Chart(canvas, coloured(JSON.parse(canvas.dataset.chart), style)));
  }
}

draw();
document.addEventListener("live", draw); // the live part was swapped
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
