import type { ProgressHandler, ProgressSnapshot } from '../progress/index.ts'
import { bytes, count, duration } from '../kernel/amounts.ts'
import type { Output } from './output.ts'

const PLAIN_EVERY_MS = 10_000
const STATUS_EVERY_MS = 1000
const BAR = 30

interface Moving {
  onProgress(handler: ProgressHandler): () => void
}

/**
 * Shows how a run goes: a block that is painted over on a terminal, else a plain line every ten seconds, and for programs a `status` line each second.
 * The returned function ends it and leaves no trace of the block.
 */
export function showProgress(session: Moving, output: Output, title: string): () => void {
  const { handler, end } = output.json ? statusLines(output) : output.repaints ? paintedBlock(output, title) : plainLines(output, title)
  const stop = session.onProgress(handler)
  return () => {
    stop()
    end()
  }
}

interface View {
  readonly handler: ProgressHandler
  end(): void
}

function statusLines(output: Output): View {
  let next = 0
  const handler = (progress: ProgressSnapshot) => {
    if (progress.elapsedMs < next) return
    next = progress.elapsedMs + STATUS_EVERY_MS
    output.record('status', { ...progress, entities: undefined })
  }
  return { handler, end: () => {} }
}

function plainLines(output: Output, title: string): View {
  let next = PLAIN_EVERY_MS
  const handler = (progress: ProgressSnapshot) => {
    if (progress.elapsedMs < next) return
    next = progress.elapsedMs + PLAIN_EVERY_MS
    output.note(`${title}: ${progress.percent.toFixed(1)} % (${progress.phase}), ${amounts(progress).join(', ')}`)
  }
  return { handler, end: () => {} }
}

function paintedBlock(output: Output, title: string): View {
  let painted = 0
  const erase = () => {
    // Up to the first line of the block, then everything below it is cleared.
    if (painted > 0) output.paint(`\r${painted > 1 ? `\u001B[${painted - 1}A` : ''}\u001B[J`)
    painted = 0
  }
  const handler = (progress: ProgressSnapshot) => {
    const filled = Math.round((progress.percent / 100) * BAR)
    const head = `${title}  ${'━'.repeat(filled)}${'─'.repeat(BAR - filled)} ${progress.percent.toFixed(1).padStart(5)} %  ${progress.phase}`
    const lines = [head, `  ${amounts(progress).join(' · ')}`].map((line) => line.slice(0, output.columns - 1))
    erase()
    output.paint(lines.join('\n'))
    painted = lines.length
  }
  return { handler, end: erase }
}

function amounts({ records, estimatedRecords, plainBytes, recordsPerSecond, plainBytesPerSecond, remainingMs, waiting }: ProgressSnapshot): string[] {
  return [
    ...(waiting === null ? [] : [`waiting: ${waiting}`]),
    `${count(records)} of ${count(Math.max(records, estimatedRecords))} records`,
    bytes(plainBytes),
    `${count(recordsPerSecond)} records/s`,
    `${bytes(Math.round(plainBytesPerSecond))}/s`,
    ...(remainingMs === null ? [] : [`${duration(remainingMs)} left`]),
  ]
}
