import { describe } from 'vitest'
import { hasMariadb } from '../support/mariadb-server.ts'
import { notRun } from '../support/not-run.ts'
import { modelSuite } from './model-suite.ts'

if (!hasMariadb) notRun('random histories of MariaDB', 'no binaries of MariaDB', { required: false })

describe.runIf(hasMariadb)('a server of its own', () => modelSuite('mysql'))
