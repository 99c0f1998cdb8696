import { openMikroOrmTenants } from '../fixtures/tenants/mikro-orm-tenants.ts'
import { mikroOrm6 } from '../support/mikro-orm/mikro-orm-6.ts'
import { describeTenants } from '../support/tenant-suite.ts'

describeTenants(mikroOrm6.name, openMikroOrmTenants(mikroOrm6))
