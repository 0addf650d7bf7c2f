import type { ComponentChildren } from 'preact'

interface FigureProps {
  readonly title: string
  readonly value: ComponentChildren
  readonly kind?: string
}

/** A number that stands out, with its name. */
export const Figure = ({ title, value, kind = '' }: FigureProps) => (
  <div class={`figure ${kind}`}>
    <dt>{title}</dt>
    <dd>{value}</dd>
  </div>
)
