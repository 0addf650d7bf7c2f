import cliProgress from 'cli-progress'

/** How many sign-ups have reached each station. */
export interface Counts {
  readonly signUps: number
  readonly events: number
  readonly mailTasks: number
  readonly mails: number
  readonly webhooks: number
  /** How many rows of the file DataProcessingTask has counted. */
  readonly summary: number
  readonly retries: number
}

export interface Progress {
  update(counts: Counts): void
  /** Shows these counts and ends the bars, so that other text can be printed. */
  stop(counts: Counts): void
}

const stations = [
  ['signUps', 'POST /users'],
  ['events', 'user.created'],
  ['mailTasks', 'SendEmailTask'],
  ['mails', 'mail in the mailbox'],
  ['webhooks', 'NotificationTask'],
  ['summary', 'DataProcessingTask'],
] as const

/** Shows bars in a terminal. Elsewhere, in a log for example, it prints a line for each tenth of the sign-ups. */
export function createProgress(totals: Omit<Counts, 'retries'>, stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? bars(totals, stream) : lines(totals, stream)
}

function bars(totals: Omit<Counts, 'retries'>, stream: NodeJS.WriteStream): Progress {
  const width = Math.max(...stations.map(([, name]) => name.length))
  const all = new cliProgress.MultiBar(
    { stream, format: '  {name} {bar} {value}/{total}{note}', barsize: 30, hideCursor: true, emptyOnZero: true },
    cliProgress.Presets.shades_classic,
  )
  const each = stations.map(([key, name]) => ({
    key,
    bar: all.create(totals[key], 0, { name: name.padEnd(width), note: '' }),
  }))
  const update = (counts: Counts): void => {
    for (const { key, bar } of each) {
      const note = key === 'mailTasks' && counts.retries > 0 ? `  ${counts.retries} retries` : ''
      bar.update(counts[key], { note })
    }
  }
  return {
    update,
    stop(counts) {
      update(counts)
      all.update()
      all.stop()
    },
  }
}

function lines(totals: Omit<Counts, 'retries'>, stream: NodeJS.WritableStream): Progress {
  const step = Math.max(1, Math.ceil(totals.signUps / 10))
  let printed = ''
  let next = step
  const print = (counts: Counts): void => {
    const line = stations.map(([key, name]) => `${name} ${counts[key]}/${totals[key]}`).join(' · ')
    if (line !== printed) stream.write(`  ${line} · retries ${counts.retries}\n`)
    printed = line
  }
  return {
    update(counts) {
      if (counts.mailTasks < next) return
      next = (Math.floor(counts.mailTasks / step) + 1) * step
      print(counts)
    },
    stop: print,
  }
}
