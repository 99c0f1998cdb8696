import { Customer, dataSource, Order } from './app.js'

// A shop to try the command line on.
await dataSource.initialize()
await dataSource.synchronize(true)
const customer = await dataSource.getRepository(Customer).save({ email: 'ada@example.test' })
await dataSource.getRepository(Order).save(Array.from({ length: 20 }, (_, n) => ({ customer, status: n % 2 ? 'open' : 'paid' })))
await dataSource.destroy()
