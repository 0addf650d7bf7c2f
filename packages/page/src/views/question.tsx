import type { ComponentChildren } from 'preact'
import type { Place } from '../broker/entries.js'
import type { ListName } from '../broker/lists.js'
import { linkTo } from '../http/address.js'
import { Hidden, PlaceFields, Token } from './form-fields.js'
import type { Frame } from './frame.js'
import { Crumbs } from './group/group.js'
import { Name } from './parts.js'

interface QuestionProps {
  readonly frame: Frame
  readonly place: Place
  readonly list: ListName
  readonly action: string
  readonly title: string
  readonly text: string
  readonly yes: string
  /** True if nothing is lost by it. */
  readonly isHarmless?: boolean
  readonly entries?: readonly string[]
  readonly fields?: Readonly<Record<string, string>>
  /** More fields for the person who answers. */
  readonly children?: ComponentChildren
}

/** Asks before something is done that is large or cannot be undone. */
export function Question({
  frame,
  place,
  list,
  action,
  title,
  text,
  yes,
  isHarmless = false,
  entries = [],
  fields = {},
  children,
}: QuestionProps) {
  return (
    <>
      <Crumbs frame={frame} topic={place.topic} />
      <form class="card question" method="post" action={linkTo(frame.base, action)}>
        <h1>{title}</h1>
        <p class="lead">
          Group <Name text={place.group} /> of <Name text={place.topic} />. {text}
        </p>
        <PlaceFields place={place} list={list} />
        <Token frame={frame} />
        <Hidden fields={{ ...fields, sure: 'yes' }} />
        {entries.map((entry) => (
          <input key={entry} type="hidden" name="entry" value={entry} />
        ))}
        {children}
        <div class="row">
          <button type="submit" class={isHarmless ? 'main' : 'bad main'}>
            {yes}
          </button>
          <a class="button" href={linkTo(frame.base, '/group', { topic: place.topic, group: place.group, list })}>
            Keep everything as it is
          </a>
        </div>
      </form>
    </>
  )
}
