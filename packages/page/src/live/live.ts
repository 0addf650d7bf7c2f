import type { ServerResponse } from 'node:http'

/** The state of a part of the page that is open. */
export interface LiveState {
  /** The HTML of what may have changed, by the ids of the elements. */
  readonly cells: Readonly<Record<string, string>>
  /** A point for the chart: the time and the counts, null for one that is not known. */
  readonly point?: readonly (number | null)[] | undefined
}

export interface LiveOptions {
  /** How often the broker is asked at most, whatever the number of viewers. */
  readonly everyMs: number
  readonly maxViewers: number
  /** How many different parts of the page are watched at the same time. */
  readonly maxSubjects: number
  /** A connection ends after that, and the browser opens another one, so that a login that has ended counts. */
  readonly maxLifeMs: number
}

interface Viewer {
  readonly res: ServerResponse
  readonly sent: Map<string, string>
  readonly end: () => void
}

interface Subject {
  readonly render: () => Promise<LiveState>
  readonly viewers: Set<Viewer>
  latest: LiveState | undefined
}

/** A reader that takes nothing for so long that this much waits for it is let go. */
const maxWaitingBytes = 256 * 1024
const heartbeatMs = 15_000

/** Creates the live events of a page. While nobody looks, nothing is asked. */
export function createLive({ everyMs, maxViewers, maxSubjects, maxLifeMs }: LiveOptions) {
  const subjects = new Map<string, Subject>()
  let timer: NodeJS.Timeout | undefined
  let isPolling = false
  const viewers = (): number => [...subjects.values()].reduce((all, subject) => all + subject.viewers.size, 0)

  async function poll(): Promise<void> {
    isPolling = true
    const beganAt = performance.now()
    await Promise.all([...subjects.values()].map(refresh))
    isPolling = false
    schedule(Math.max(everyMs / 2, everyMs - (performance.now() - beganAt)))
  }

  function schedule(delayMs: number): void {
    if (subjects.size === 0 || isPolling || timer !== undefined) return
    timer = setTimeout(() => {
      timer = undefined
      void poll()
    }, delayMs)
    timer.unref()
  }

  async function refresh(subject: Subject): Promise<void> {
    try {
      subject.latest = await subject.render()
    } catch {
      // Reads do not reject. Whatever it was, the viewers keep what they have, and the next poll tries again.
      return
    }
    for (const viewer of subject.viewers) send(viewer, subject.latest)
  }

  return {
    viewers,
    /** Sends a viewer what changes from now on. Returns false if there are too many. */
    join(key: string, render: () => Promise<LiveState>, res: ServerResponse): boolean {
      if (viewers() >= maxViewers || (!subjects.has(key) && subjects.size >= maxSubjects)) return false
      const subject = subjects.get(key) ?? { render, viewers: new Set<Viewer>(), latest: undefined }
      subjects.set(key, subject)
      const heartbeat = setInterval(() => res.write(':\n\n'), heartbeatMs)
      const life = setTimeout(() => res.end(), maxLifeMs)
      const viewer: Viewer = {
        res,
        sent: new Map(),
        end() {
          clearInterval(heartbeat)
          clearTimeout(life)
          subject.viewers.delete(viewer)
          if (subject.viewers.size === 0 && subjects.get(key) === subject) subjects.delete(key)
          if (!res.writableEnded) res.end()
        },
      }
      subject.viewers.add(viewer)
      res.on('close', viewer.end).on('error', viewer.end)
      res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' })
      res.write(`retry: ${everyMs * 2}\n\n`)
      if (subject.latest !== undefined) send(viewer, subject.latest)
      schedule(0)
      return true
    },
    /** Ends every connection, so that the server can close. */
    close(): void {
      clearTimeout(timer)
      timer = undefined
      for (const subject of [...subjects.values()]) for (const viewer of [...subject.viewers]) viewer.end()
    },
  }
}

export type Live = ReturnType<typeof createLive>

function send({ res, sent, end }: Viewer, { cells, point }: LiveState): void {
  if (res.writableLength > maxWaitingBytes) {
    end()
    return
  }
  const changed = Object.entries(cells).filter(([id, html]) => sent.get(id) !== html)
  for (const [id, html] of changed) sent.set(id, html)
  if (changed.length > 0) res.write(`event: cells\ndata: ${JSON.stringify(Object.fromEntries(changed))}\n\n`)
  if (point !== undefined) res.write(`event: point\ndata: ${JSON.stringify(point)}\n\n`)
}
