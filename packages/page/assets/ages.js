const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
]

/** Writes a duration as the server does. */
function shownDuration(ms) {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  const at = units.findIndex(([, size]) => ms >= size)
  const [name, size] = units[at]
  const whole = Math.floor(ms / size)
  const next = units[at + 1]
  const rest = next === undefined ? 0 : Math.floor((ms - whole * size) / next[1])
  return next === undefined || rest === 0 || whole >= 10 ? `${whole} ${name}` : `${whole} ${name} ${rest} ${next[0]}`
}

const everyMs = 5_000

/** Keeps the ages of messages up to date, by the clock of this machine. */
export function keepAges() {
  setInterval(() => {
    for (const element of document.querySelectorAll('time[data-moment]')) {
      const away = Date.now() - Number(element.dataset.moment)
      const text = away < 0 ? `in ${shownDuration(-away)}` : `${shownDuration(away)} ago`
      if (element.textContent !== text) element.textContent = text
    }
  }, everyMs)
}
