import libsql from 'libsql'
import { Column, DataSource, Entity, ManyToOne, PrimaryGeneratedColumn, type Relation } from 'typeorm'

@Entity()
export class Customer {
  @PrimaryGeneratedColumn()
  id!: number

  @Column()
  email!: string
}

@Entity('orders')
export class Order {
  @PrimaryGeneratedColumn()
  id!: number

  @ManyToOne(() => Customer)
  customer!: Relation<Customer>

  @Column()
  status!: string
}

/** A file database, so that the sample runs anywhere; PostgreSQL is the same with `type: 'postgres'`. */
export const dataSource = await new DataSource({
  type: 'better-sqlite3',
  driver: libsql,
  database: process.env.QUICK_START_DATABASE ?? 'quick-start.sqlite',
  entities: [Customer, Order],
  synchronize: true,
}).initialize()

const customer = await dataSource.getRepository(Customer).save({ email: 'ada@example.test' })
await dataSource.getRepository(Order).save(Array.from({ length: 20 }, (_, n) => ({ customer, status: n % 2 ? 'open' : 'paid' })))
