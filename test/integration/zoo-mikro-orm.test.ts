import { expectedMikroOrmMapping } from '../fixtures/zoo/expected-mappings.ts'
import { mikroOrmUnderTest } from '../support/end-to-end/mikro-orm-under-test.ts'
import { mikroOrm7 } from '../support/mikro-orm/mikro-orm-7.ts'
import { describeZoo } from '../support/zoo-suite.ts'

const { name, zooRows, openZoo } = mikroOrmUnderTest(mikroOrm7)
describeZoo({ name, expected: expectedMikroOrmMapping(name), extraRows: zooRows, open: (location) => openZoo(location, 'default') })
