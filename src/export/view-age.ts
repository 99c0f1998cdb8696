/** Calls back once when the views have been held for so long. The returned function ends the watch. */
export function watchViewAge(limitMs: number, onAged: () => void): () => void {
  const timer = setTimeout(onAged, limitMs)
  timer.unref()
  return () => clearTimeout(timer)
}

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
] as const

/** `6 h`, `90 min`, `1.5 s`: in the largest unit that needs no more than one digit behind the point. */
export function ageText(ms: number): string {
  const [size, unit] = UNITS.find(([candidate]) => ms >= candidate && Number.isInteger((ms * 10) / candidate)) ?? [1, 'ms']
  return `${ms / size} ${unit}`
}
