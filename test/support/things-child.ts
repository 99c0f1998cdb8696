/**
 * Stages things in a process of its own, to be killed: `node things-child.ts <options>`. Says `stopped` where so many records of the last entity have gone through, or else when all are staged.
 */
import 'reflect-metadata'
import type { TestDialect } from './declared-tables.ts'
import { standStill } from './stand-still.ts'
import { openThings, thingItems, type ThingsOptions } from './staged-things.ts'

export interface ThingsChild extends ThingsOptions {
  readonly dialect: TestDialect
  readonly location: string
  readonly resumes: string
  readonly stopAfter?: number
  readonly refusable?: number
}

const { dialect, location, resumes, stopAfter, refusable = 0, ...options } = JSON.parse(process.argv[2]!) as ThingsChild
const { target } = await openThings(dialect, location, { restoreId: `killed-${process.pid}`, resumes })
for (const item of thingItems(target.entities, options)) {
  const last = item.entity === 'Thing' && stopAfter !== undefined
  await target.stage(item, { refusable, onProgress: (rows) => void (last && rows >= stopAfter && standStill()) })
}
standStill()
