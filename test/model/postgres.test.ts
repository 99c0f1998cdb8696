import { describe } from 'vitest'
import { notRun } from '../support/not-run.ts'
import { clusterBinaries } from '../support/postgres-cluster.ts'
import { modelSuite } from './model-suite.ts'

if (!clusterBinaries) notRun('random histories of PostgreSQL', 'no PostgreSQL binaries, or no user to run them as', { required: false })

describe.runIf(clusterBinaries)('a server of its own', () => modelSuite('postgres'))
