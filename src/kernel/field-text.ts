const LONGEST = 60

/** A value on one line, cut where it is long. */
export function valueText(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}

/** `status "open" → "paid"`; of a side that has no record only the other. */
export function fieldText({ field, before, after }: { readonly field: string; readonly before?: unknown; readonly after?: unknown }): string {
  if (before === undefined) return `${field} ${valueText(after)}`
  return after === undefined ? `${field} ${valueText(before)}` : `${field} ${valueText(before)} → ${valueText(after)}`
}
