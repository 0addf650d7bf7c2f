import UPlot from './uPlot.esm.js'

const maxPoints = 150
/** The least that the axis shows: the first points of a page lie within a few seconds. */
const minSeconds = 30
const series = [
  { label: 'Ready', color: '--ready-line' },
  { label: 'Running', color: '--running-line' },
  { label: 'Retrying', color: '--retrying-line' },
  { label: 'Dead', color: '--dead-line' },
]

const colorOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

const shownTime = (seconds) => new Date(seconds * 1_000).toLocaleTimeString(undefined, { hourCycle: 'h23' })

/** Draws the chart of a group, if this page has one. Returns the function that adds a point. */
export function drawChart() {
  const element = document.querySelector('[data-chart]')
  if (element === null) return () => {}
  const points = JSON.parse(element.dataset.chart)
  const columns = () => [0, 1, 2, 3, 4].map((at) => points.map((point) => point[at]))
  let chart

  const draw = () => {
    chart?.destroy()
    const axis = {
      stroke: colorOf('--soft'),
      grid: { stroke: colorOf('--line'), width: 1 },
      ticks: { stroke: colorOf('--line'), width: 1 },
    }
    const options = {
      width: Math.max(200, element.clientWidth),
      height: 190,
      series: [
        {},
        ...series.map(({ label, color }) => ({
          label,
          stroke: colorOf(color),
          width: 2,
          points: { show: points.length < 3 },
        })),
      ],
      axes: [
        { ...axis, space: 90, values: (_, times) => times.map(shownTime) },
        { ...axis, size: 56 },
      ],
      scales: {
        x: { range: (_, from, to) => [Math.min(from, to - minSeconds), to] },
        y: { range: (_, low, high) => [Math.min(0, low ?? 0), Math.max(5, (high ?? 0) * 1.1)] },
      },
      cursor: { drag: { x: false, y: false } },
      legend: { live: false },
    }
    chart = new UPlot(options, columns(), element)
  }
  draw()
  new ResizeObserver(() => chart.setSize({ width: Math.max(200, element.clientWidth), height: 190 })).observe(element)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw)

  return (point) => {
    if (points.at(-1)?.[0] === point[0]) return
    points.push(point)
    if (points.length > maxPoints) points.shift()
    if (points.length === 3) draw()
    else chart.setData(columns())
  }
}
