import { describe, expect, it } from 'vitest'
import { createOutput } from '../../src/cli/output.ts'
import { showProgress } from '../../src/cli/progress-view.ts'
import type { ProgressHandler, ProgressSnapshot } from '../../src/progress/index.ts'
import { cliSurroundings } from '../support/cli-surroundings.ts'

function snapshot(elapsedMs: number, percent: number): ProgressSnapshot {
  return {
    operation: 'backup',
    id: 'x',
    phase: 'copying',
    percent,
    records: 1234,
    estimatedRecords: 2000,
    plainBytes: 3 * 1024 * 1024,
    storedBytes: 1000,
    recordsPerSecond: 500,
    plainBytesPerSecond: 2048,
    storedBytesPerSecond: 100,
    elapsedMs,
    remainingMs: 75_000,
    waiting: null,
    warnings: [],
    at: '2026-11-21T07:00:00.000Z',
    entities: [],
  }
}

function view(options: { readonly terminal?: boolean; readonly env?: Record<string, string>; readonly json?: boolean; readonly columns?: number }) {
  const surroundings = cliSurroundings({ cwd: '/', ...options })
  const output = createOutput(surroundings, { json: options.json === true, verbose: false })
  let handler: ProgressHandler = () => {}
  let stopped = false
  const end = showProgress(
    {
      onProgress(given) {
        handler = given
        return () => (stopped = true)
      },
    },
    output,
    'backup shop',
  )
  return { written: surroundings.written, move: (elapsedMs: number, percent: number) => handler(snapshot(elapsedMs, percent)), end, stopped: () => stopped }
}

describe('progress on the command line', () => {
  it('is one block that is painted over on a terminal, and leaves no trace', () => {
    const { written, move, end, stopped } = view({ terminal: true })
    move(100, 10)
    expect(written.stderr).toMatch(
      /^backup shop {2}━━━─+ {2}10\.0 % {2}copying\n {2}1,234 of 2,000 records · 3\.0 MiB · 500 records\/s · 2\.0 KiB\/s · 1 min 15 s left$/,
    )
    move(200, 50)
    expect(written.stderr).toContain('left\r\u001B[1A\u001B[Jbackup shop')
    end()
    expect(written.stderr.endsWith('\r\u001B[1A\u001B[J')).toBe(true)
    expect(stopped()).toBe(true)
    expect(written.stdout).toBe('')
  })

  it('never fills a line, so that no terminal breaks it', () => {
    const { written, move } = view({ terminal: true, columns: 40 })
    move(100, 10)
    expect(written.stderr.split('\n').map((line) => line.length)).toEqual([39, 39])
  })

  it.each([
    ['off a terminal', {}],
    ['under CI', { terminal: true, env: { CI: 'true' } }],
    ['on a dumb terminal', { terminal: true, env: { TERM: 'dumb' } }],
  ])('is a plain line every ten seconds %s', (_, options) => {
    const { written, move, end } = view(options)
    for (let second = 0; second <= 25; second++) move(second * 1000, second)
    end()
    expect(written.stderr).toBe(
      [10, 20].map((at) => `backup shop: ${at}.0 % (copying), 1,234 of 2,000 records, 3.0 MiB, 500 records/s, 2.0 KiB/s, 1 min 15 s left\n`).join(''),
    )
  })

  it('is a status line a second for programs', () => {
    const { written, move, end } = view({ json: true, terminal: true })
    for (let tenth = 0; tenth <= 25; tenth++) move(tenth * 100, tenth)
    end()
    const lines = written.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.map(({ type, elapsedMs }) => [type, elapsedMs])).toEqual([
      ['status', 0],
      ['status', 1000],
      ['status', 2000],
    ])
    expect(lines[0]).not.toHaveProperty('entities')
    expect(written.stderr).toBe('')
  })

  it('has colours on a terminal only, and not with NO_COLOR', () => {
    const red = (terminal: boolean, env = {}) => createOutput(cliSurroundings({ cwd: '/', terminal, env }), { json: false, verbose: false }).style('red', 'x')
    expect([red(true), red(false), red(true, { NO_COLOR: '1' })]).toEqual(['\u001B[31mx\u001B[39m', 'x', 'x'])
  })
})
