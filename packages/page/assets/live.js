/** Keeps the parts of the page up to date that the server says have changed. All HTML was made, and escaped, by the server. */
export function goLive({ onPoint }) {
  const url = document.body.dataset.live
  const state = document.getElementById('live')
  if (url === undefined || state === null) return
  let source

  const say = (text, isLost) => {
    state.hidden = false
    state.classList.toggle('lost', isLost)
    if (state.textContent !== text) state.textContent = text
  }
  const open = () => {
    source = new EventSource(url)
    source.addEventListener('open', () => say('Live', false))
    source.addEventListener('error', () =>
      say(source.readyState === EventSource.CLOSED ? 'Not live' : 'Reconnecting', true),
    )
    source.addEventListener('cells', ({ data }) => {
      for (const [id, html] of Object.entries(JSON.parse(data))) {
        const element = document.getElementById(id)
        if (element !== null) element.innerHTML = html
      }
    })
    source.addEventListener('point', ({ data }) => onPoint(JSON.parse(data)))
  }

  // Nobody looks at a page that is hidden, so nothing is asked for it.
  const follow = () => {
    source?.close()
    if (!document.hidden) open()
  }
  document.addEventListener('visibilitychange', follow)
  addEventListener('pagehide', () => source?.close())
  addEventListener('pageshow', ({ persisted }) => persisted && follow())
  follow()
}
