import { openTypeormTenants } from '../fixtures/tenants/typeorm-tenants.ts'
import { describeTenants } from '../support/tenant-suite.ts'

describeTenants('TypeORM 1', openTypeormTenants)
