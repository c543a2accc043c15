// Recall against false positives, one mark for each filter and language.

const WIDTH = 760;
const HEIGHT = 460;
const LEFT = 60;
const RIGHT = 250;
const TOP = 30;
const BOTTOM = 60;
const COLOURS = ["#1b6ca8", "#0b8457", "#c06014", "#8e44ad", "#b03a2e", "#5d6d7e", "#b7950b", "#2e4053", "#7d6608"];

/** An SVG picture; false positives on a logarithmic scale, beside it those who have none. */
export function plot(rows, languages) {
  const filters = [...new Set(rows.map((row) => row.filter))];
  const width = WIDTH - LEFT - RIGHT;
  const height = HEIGHT - TOP - BOTTOM;
  const ticks = [0, 0.01, 0.1, 1, 10, 100];
  const x = (percent) => LEFT + (percent < 0.01 ? (percent / 0.01) * (width / 5) : (width / 5) * (1 + Math.log10(percent / 0.01)));
  const y = (percent) => TOP + height * (1 - percent / 100);
  const text = (at, to, words, extra = "") => `<text x="${at.toFixed(1)}" y="${to.toFixed(1)}" ${extra}>${words}</text>`;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="11">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
  ];
  for (const tick of ticks) {
    parts.push(`<line x1="${x(tick)}" x2="${x(tick)}" y1="${TOP}" y2="${TOP + height}" stroke="#ddd"/>`);
    parts.push(text(x(tick), TOP + height + 16, String(tick), 'text-anchor="middle"'));
  }
  for (let tick = 0; tick <= 100; tick += 20) {
    parts.push(`<line x1="${LEFT}" x2="${LEFT + width}" y1="${y(tick)}" y2="${y(tick)}" stroke="#ddd"/>`);
    parts.push(text(LEFT - 8, y(tick) + 4, String(tick), 'text-anchor="end"'));
  }
  parts.push(text(LEFT + width / 2, HEIGHT - 18, "false positives, % of clean sentences", 'text-anchor="middle"'));
  parts.push(`<g transform="rotate(-90 18 ${TOP + height / 2})">${text(18, TOP + height / 2, "recall, %", 'text-anchor="middle"')}</g>`);
  filters.forEach((filter, index) => {
    const colour = COLOURS[index % COLOURS.length];
    for (const row of rows.filter((row) => row.filter === filter)) {
      const at = x((100 * row.false_positives) / row.clean);
      parts.push(`<circle cx="${at.toFixed(1)}" cy="${y(row.recall).toFixed(1)}" r="4" fill="${colour}" fill-opacity="0.8"><title>${filter}, ${languages[row.language].name}</title></circle>`);
      parts.push(text(at + 6, y(row.recall) + 4, row.language, `fill="${colour}" font-size="9"`));
    }
    parts.push(`<circle cx="${LEFT + width + 24}" cy="${TOP + 10 + index * 18}" r="4" fill="${colour}"/>`);
    parts.push(text(LEFT + width + 34, TOP + 14 + index * 18, filter));
  });
  return `${parts.join("\n")}\n</svg>\n`;
}
