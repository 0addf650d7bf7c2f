import type { ComponentChildren } from 'preact'
import type { Problem } from '../broker/reads.js'
import { shownDuration } from '../text/durations.js'
import { shownCount } from '../text/numbers.js'
import { visible } from '../text/visible.js'

/** A value that the broker does not say. It is never shown as 0. */
export const Unknown = ({ why = 'The broker does not say' }: { readonly why?: string }) => (
  <span class="unknown" title={why}>
    unknown
  </span>
)

/** A count, or that it is not known. */
export const Count = ({ value, why }: { readonly value: number | undefined; readonly why?: string | undefined }) =>
  value === undefined ? <Unknown {...(why !== undefined && { why })} /> : shownCount(value)

/** How old the oldest message is. 0 means that there is none. */
export const Oldest = ({ ms, why }: { readonly ms: number | undefined; readonly why?: string | undefined }) => {
  if (ms === undefined) return <Unknown {...(why !== undefined && { why })} />
  return ms === 0 ? <span class="none">none</span> : shownDuration(ms)
}

/** A moment, as the time from now, with the exact time for those who point at it. A module of the browser keeps it up to date. */
export function Moment({ at, now }: { readonly at: number; readonly now: number }) {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return <Unknown why="The message has no readable time" />
  const iso = date.toISOString()
  const away = shownDuration(Math.abs(now - at))
  return (
    <time datetime={iso} title={iso} data-moment={at}>
      {at > now ? `in ${away}` : `${away} ago`}
    </time>
  )
}

export const Badge = ({ kind, children }: { readonly kind: string; readonly children: ComponentChildren }) => (
  <span class={`badge ${kind}`}>{children}</span>
)

/** Says what could not be read, and why. */
export const Failed = ({ what, problem }: { readonly what: string; readonly problem: Problem }) => (
  <div class="notice bad" role="alert">
    <strong>{what}</strong>
    <p class="why">
      {problem.code === undefined ? '' : <code>{problem.code}</code>} {problem.text}
    </p>
  </div>
)

export const Notice = ({ children }: { readonly children: ComponentChildren }) => <div class="notice">{children}</div>

/** The name of a topic or a group, of which every character is seen. */
export const Name = ({ text }: { readonly text: string }) => <span class="name">{visible(text)}</span>
