import { openMikroOrmTenants } from '../fixtures/tenants/mikro-orm-tenants.ts'
import { mikroOrm7 } from '../support/mikro-orm/mikro-orm-7.ts'
import { describeTenants } from '../support/tenant-suite.ts'

describeTenants(mikroOrm7.name, openMikroOrmTenants(mikroOrm7))
