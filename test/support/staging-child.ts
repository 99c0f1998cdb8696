/**
 * A restore in a process of its own, to be killed: `node staging-child.ts <place> <entity> <request or plan>`, each JSON. Stops dead when the records of that entity are staged, and says `stopped`.
 */
import 'reflect-metadata'
import type { RestoreRequest } from '../../src/index.ts'
import { type StagingPlace, stagingShop } from './staging-shop.ts'
import { standStill } from './stand-still.ts'

const [place, entity, asked] = process.argv.slice(2).map((text) => JSON.parse(text) as unknown)
const { holdfast } = await stagingShop(place as StagingPlace, { staged: (report) => void (report.entity === entity && standStill()) })
if (typeof asked === 'string') await holdfast.restores.apply(asked)
else await holdfast.restores.restore(asked as RestoreRequest)
