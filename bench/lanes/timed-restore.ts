import type { createHoldfast, RestoreRequest, RestoreResult } from 'holdfast'

type Holdfast = Awaited<ReturnType<typeof createHoldfast>>

/** How often the phase is looked at. */
const TICK_MS = 5

/** A restore, and the seconds of each of its phases; what comes before the first stands under `selecting`. */
export async function timedRestore(
  holdfast: Holdfast,
  request: RestoreRequest,
): Promise<{ readonly result: RestoreResult; readonly phases: Readonly<Record<string, number>> }> {
  const phases: Record<string, number> = {}
  let last = performance.now()
  let phase = 'selecting'
  const note = (next: string) => {
    const now = performance.now()
    phases[phase] = (phases[phase] ?? 0) + (now - last) / 1000
    last = now
    phase = next
  }
  const session = await holdfast.restores.start(request)
  note(session.current.phase)
  const ticking = setInterval(() => {
    const { phase: now } = session.current
    if (now !== phase) note(now)
  }, TICK_MS)
  try {
    const result = await session.result()
    note('done')
    return { result, phases }
  } finally {
    clearInterval(ticking)
  }
}
