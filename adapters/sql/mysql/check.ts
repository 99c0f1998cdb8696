import { createHash } from 'node:crypto'
import type { ChangeEvidence } from '../../../src/contracts/change-evidence.ts'
import type { KeyRange, KnownRange, RangeState } from '../../../src/contracts/key-range.ts'
import type { RangeDigester } from '../../../src/contracts/range-digester.ts'
import type { RecordBatch } from '../../../src/contracts/record-batch.ts'
import { type AbortableOptions, throwIfAborted } from '../../../src/kernel/abort.ts'
import { HoldfastError, isHoldfastError } from '../../../src/kernel/errors.ts'
import { exactDigest } from '../cursor-view.ts'
import type { RangeDigest } from './digest.ts'
import { DigestOdds } from './digest-odds.ts'
import { seedOf } from './digest-form.ts'
import { sqlState } from './database-error.ts'
import type { EvidenceVerdict } from './evidence.ts'

export interface CheckPorts {
  judge(evidence: ChangeEvidence): EvidenceVerdict
  digest(range: KeyRange, seed: string, options: AbortableOptions): Promise<RangeDigest>
  /** With what `digester` needs. */
  read(range: KeyRange, options: AbortableOptions): AsyncIterable<RecordBatch>
  digester(): RangeDigester | null
}

/**
 * Answers for each known range whether it holds exactly the rows it held: because nothing at all was committed since (the same position in the binary log),
 * by the server's own digest where there is one, else by reading the lines again and hashing them here.
 */
export async function* checkRanges(ports: CheckPorts, known: readonly KnownRange[], options: AbortableOptions): AsyncGenerator<RangeState, void, undefined> {
  const odds = new DigestOdds()
  for (const [index, range] of known.entries()) {
    throwIfAborted(options.signal)
    yield { index, ...(await checkRange(ports, range, odds, options)) }
  }
}

type Answer = Omit<RangeState, 'index'>

async function checkRange(ports: CheckPorts, known: KnownRange, odds: DigestOdds, options: AbortableOptions): Promise<Answer> {
  const verdict = ports.judge(known.evidence)
  if (verdict.trust === 'none') return { state: 'unknown', method: 'digest-128', reason: verdict.reason }
  if (verdict.trust === 'position') return { state: 'unchanged', rows: known.rows, method: 'position' }
  const before = exactDigest(known.digest)
  const seed = verdict.trust === 'digest' && before !== undefined ? seedOf(before) : null
  try {
    if (seed !== null) {
      // Whoever asked reads the range then, and sees whether it is the same.
      if (known.sha256 !== null && !odds.worthIt()) return { state: 'unknown', method: 'digest-128', reason: 'digest' }
      const { digest, rows } = await ports.digest(known.range, seed, options)
      odds.came(digest !== '' && digest !== before)
      if (rows !== known.rows) return { state: 'changed', rows, method: 'digest-128', reason: 'rows' }
      if (digest !== '')
        return digest === before ? { state: 'unchanged', rows, method: 'digest-128' } : { state: 'changed', rows, method: 'digest-128', reason: 'digest' }
    }
    return known.sha256 === null
      ? { state: 'unknown', method: 'sha256', reason: 'digest' }
      : await compareLines(known.rows, known.sha256, ports.read(known.range, options), ports.digester())
  } catch (error) {
    // When the type of the key has changed, known bounds may not even be values of the new one.
    if (verdict.trust === 'lines' && isMisfit(error)) return { state: 'unknown', method: 'sha256', reason: verdict.reason }
    throw error
  }
}

const isMisfit = (error: unknown): boolean =>
  (isHoldfastError(error) && error instanceof HoldfastError && error.code === 'E_RECORD') || /^22/.test(sqlState(error) ?? '')

/** Stops reading as soon as there are more rows than there should be. */
async function compareLines(knownRows: number, sha256: string, lines: AsyncIterable<RecordBatch>, digester: RangeDigester | null): Promise<Answer> {
  const hash = createHash('sha256')
  let rows = 0
  for await (const batch of lines) {
    rows += batch.rows
    if (rows > knownRows) return { state: 'changed', method: 'sha256', reason: 'rows' }
    hash.update(batch.bytes)
    digester?.add(batch)
    batch.release?.()
  }
  if (rows < knownRows) return { state: 'changed', rows, method: 'sha256', reason: 'rows' }
  if (hash.digest('hex') !== sha256) return { state: 'changed', rows, method: 'sha256', reason: 'digest' }
  return { state: 'unchanged', rows, method: 'sha256', digest: digester?.digest() ?? '' }
}
