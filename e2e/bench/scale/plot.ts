/** A line chart as SVG text, with a logarithmic horizontal axis. Pure. */

export interface Chart {
  readonly title: string
  /** What the horizontal axis counts. */
  readonly across: string
  readonly unit: string
  readonly lines: readonly Line[]
}

export interface Line {
  readonly label: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

/** Of one chart, with its title, axes and legend. */
const WIDTH = 400
const HEIGHT = 280
const MARGIN = { left: 56, right: 16, top: 36, bottom: 56 }
const PER_ROW = 2
const GRID_LINES = 4
/** Distinguishable without colour vision, too (Okabe and Ito). */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7']

/** Charts in rows of two. */
export function plot(charts: readonly Chart[]): string {
  const rows = Math.ceil(charts.length / PER_ROW)
  const parts = charts.map((chart, index) => {
    const [x, y] = [(index % PER_ROW) * WIDTH, Math.floor(index / PER_ROW) * HEIGHT]
    return `<g transform="translate(${x} ${y})">\n${drawChart(chart)}</g>\n`
  })
  const [width, height] = [WIDTH * PER_ROW, HEIGHT * rows]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="#fff"/>\n${parts.join('')}</svg>\n`
}

interface Scale {
  readonly x: (value: number) => number
  readonly y: (value: number) => number
}

function drawChart(chart: Chart): string {
  const points = chart.lines.flatMap((line) => line.points)
  const xs = [...new Set(points.map(([x]) => x))].sort((left, right) => left - right)
  const top = roundUp(Math.max(0, ...points.map(([, y]) => y)))
  const scale = scaleOf(xs, top)
  const lines = chart.lines.map((line, index) => drawLine(line, COLORS[index % COLORS.length] ?? '', scale))
  const legend = chart.lines.map(({ label }, index) => {
    const x = MARGIN.left + index * (WIDTH - MARGIN.left) / chart.lines.length
    return text(x, HEIGHT - 8, label, `fill="${COLORS[index % COLORS.length] ?? ''}"`)
  })
  return text(MARGIN.left, 20, `${chart.title} (${chart.unit})`, 'font-weight="bold"') + drawAxes(chart, { xs, top, scale }) +
    lines.join('') + legend.join('')
}

function scaleOf(xs: readonly number[], top: number): Scale {
  const [least, most] = [Math.log(xs[0] ?? 1), Math.log(xs.at(-1) ?? 1)]
  const [width, height] = [WIDTH - MARGIN.left - MARGIN.right, HEIGHT - MARGIN.top - MARGIN.bottom]
  return {
    x: (value) => round(MARGIN.left + width * (most === least ? 0.5 : (Math.log(value) - least) / (most - least))),
    y: (value) => round(MARGIN.top + height * (1 - value / top)),
  }
}

interface Axes {
  readonly xs: readonly number[]
  readonly top: number
  readonly scale: Scale
}

function drawAxes({ across }: Chart, { xs, top, scale }: Axes): string {
  const right = WIDTH - MARGIN.right
  const grid = Array.from({ length: GRID_LINES + 1 }, (_, index) => top * index / GRID_LINES).map((value) =>
    `<path d="M${MARGIN.left} ${scale.y(value)}H${right}" stroke="#ddd"/>\n` +
    text(MARGIN.left - 6, scale.y(value) + 4, String(Number(value.toPrecision(3))), 'text-anchor="end" fill="#555"'))
  const marks = xs.map((x) => text(scale.x(x), HEIGHT - MARGIN.bottom + 16, String(x), 'text-anchor="middle" fill="#555"'))
  const middle = (MARGIN.left + right) / 2
  return grid.join('') + marks.join('') + text(middle, HEIGHT - MARGIN.bottom + 32, across, 'text-anchor="middle" fill="#555"')
}

function drawLine({ points }: Line, color: string, { x, y }: Scale): string {
  const path = points.map(([across, up], index) => `${index === 0 ? 'M' : 'L'}${x(across)} ${y(up)}`).join('')
  const dots = points.map(([across, up]) => `<circle cx="${x(across)}" cy="${y(up)}" r="3" fill="${color}"/>\n`)
  return `<path d="${path}" fill="none" stroke="${color}" stroke-width="2"/>\n${dots.join('')}`
}

function text(x: number, y: number, content: string, attributes: string): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped}</text>\n`
}

/** To 1, 2 or 5 times a power of ten; 1 for nothing. */
export function roundUp(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].map((factor) => factor * power).find((it) => it >= value) ?? value
}

function round(value: number): number {
  return Number(value.toFixed(1))
}
