import { openMikroOrmTenants } from '../fixtures/tenants/mikro-orm-tenants.ts'
import { describeTenants } from '../support/tenant-suite.ts'

describeTenants('MikroORM 7', openMikroOrmTenants)
