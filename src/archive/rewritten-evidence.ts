import type { ChangeEvidence } from '../contracts/change-evidence.ts'

/** Of ranges whose records were rewritten, without any database having been asked: it proves nothing. */
export const REWRITTEN: ChangeEvidence = { method: 'rewritten', values: {} }

/** May a database be asked whether it still holds exactly what the range does? Else the range is read. */
export function isProven({ evidence }: { readonly evidence: ChangeEvidence }): boolean {
  return evidence.method !== REWRITTEN.method
}
