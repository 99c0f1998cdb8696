import type { EntityDescriptor } from '../contracts/entity-descriptor.ts'
import type { RowVerdict, RowWatch, TouchedRow } from '../contracts/restore-target.ts'

/** One of those who look at the rows of a merge, after what becomes of them was decided. */
export interface RowObserver {
  /** Rows in the action that is settled: none is `keep`. May still take rows out, by verdict. */
  seen?(entity: EntityDescriptor, rows: readonly TouchedRow[]): Promise<readonly RowVerdict[] | void>
  judged?(): Promise<void>
  written?(entity: EntityDescriptor, rows: readonly TouchedRow[]): Promise<void>
  settled?(): Promise<void>
}

/** Shows the rows to one observer after the other; each sees them as those before it have left them. */
export function watchRows(observers: readonly RowObserver[]): RowWatch {
  return {
    async judge(entity, rows) {
      const verdicts = new Map<number, RowVerdict>()
      let left = rows
      for (const observer of observers) {
        const said = (await observer.seen?.(entity, left)) ?? []
        if (said.length === 0) continue
        for (const verdict of said) verdicts.set(verdict.line, verdict)
        left = left.flatMap((row) => {
          const action = said.find(({ line }) => line === row.line)?.action ?? row.action
          return action === 'keep' ? [] : [{ ...row, action }]
        })
      }
      return [...verdicts.values()]
    },
    async judged() {
      for (const observer of observers) await observer.judged?.()
    },
    async written(entity, rows) {
      for (const observer of observers) await observer.written?.(entity, rows)
    },
    async settled() {
      for (const observer of observers) await observer.settled?.()
    },
  }
}
