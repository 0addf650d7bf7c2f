import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'

export interface Point {
  readonly series: string
  readonly x: number | string
  readonly y: number
}

/** One picture of a table. */
export interface Picture {
  /** The name of its file, without the broker and the ending. */
  readonly name: string
  readonly kind: 'lines' | 'bars'
  readonly x: { readonly label: string; readonly isLogarithmic?: boolean }
  readonly y: { readonly label: string }
  readonly points: readonly Point[]
}

/** The colours of Okabe and Ito, which people with any kind of colour vision can tell apart, also on a dark page. */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9']
const ink = '#777'
const legendRowPx = 18

/** The part of a drawn element that is used here. The types of the browser are not among those of this workspace. */
interface Drawn {
  readonly outerHTML: string
  setAttribute(name: string, value: string): void
  append(child: unknown): void
}

/** Draws a picture as SVG. Points that could not be measured are left out. */
export function svgOf({ kind, x, y, points }: Picture, title: string): string {
  const { document } = parseHTML('<html><body></body></html>')
  const known = points.filter((point) => !Number.isNaN(point.y))
  const series = [...new Set(known.map((point) => point.series))]
  const channels = { x: 'x', y: 'y', z: 'series' }
  const marks =
    kind === 'bars'
      ? [Plot.barY(known, { ...channels, x: 'series', fx: 'x', fill: 'series' }), Plot.ruleY([0])]
      : [
          Plot.lineY(known, { ...channels, stroke: 'series', sort: 'x' }),
          Plot.dot(known, { ...channels, fill: 'series' }),
          Plot.ruleY([0]),
        ]
  const legendTop = 45
  const top = legendTop + series.length * legendRowPx + 20
  const plot = Plot.plot({
    document,
    width: 640,
    height: 360 + series.length * legendRowPx,
    marginTop: top,
    marginBottom: 45,
    marginLeft: 70,
    marginRight: 35,
    style: { color: ink, fontSize: '12px', background: 'transparent' },
    color: { domain: series, range: colours.slice(0, series.length) },
    ...(kind === 'bars'
      ? {
          x: { axis: null, domain: series },
          fx: { label: x.label, domain: [...new Set(known.map((point) => point.x))] },
        }
      : {
          x: {
            label: x.label,
            ...(x.isLogarithmic && { type: 'log' as const, ticks: ticksOf(known), tickFormat: ',' }),
          },
        }),
    y: { label: null, grid: true, zero: true },
    marks,
  })
  const svg = plot as unknown as Drawn
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  const write = (text: string, at: { x: number; y: number; fill?: string; size?: number }): void => {
    const line = document.createElementNS('http://www.w3.org/2000/svg', 'text')
    line.setAttribute('x', String(at.x))
    line.setAttribute('y', String(at.y))
    line.setAttribute('text-anchor', 'start')
    line.setAttribute('fill', at.fill ?? ink)
    line.setAttribute('font-size', String(at.size ?? 12))
    line.textContent = text
    svg.append(line)
  }
  write(title, { x: 10, y: 20, size: 15 })
  series.forEach((name, index) => {
    write(`● ${name}`, { x: 10, y: legendTop + index * legendRowPx, fill: colours[index] ?? ink })
  })
  write(`↑ ${y.label}`, { x: 10, y: top - 15 })
  return `${svg.outerHTML}\n`
}

/** Marks the measured values alone: they are far apart, so none hides another. */
const ticksOf = (points: readonly Point[]): number[] => [...new Set(points.map(({ x }) => Number(x)))]
