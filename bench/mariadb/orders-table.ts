/** The `orders` of the PostgreSQL benchmark in the types that MariaDB has, and their customers. */
export function ordersSql(rows: number): string {
  return `
    CREATE TABLE customers (id bigint PRIMARY KEY, name varchar(200) NOT NULL, email varchar(200) NOT NULL);
    INSERT INTO customers SELECT seq, CONCAT('Customer ', seq), CONCAT('customer', seq, '@example.org') FROM seq_1_to_20000;
    CREATE TABLE orders (
      id bigint PRIMARY KEY, public_id char(36) NOT NULL, customer_id bigint NOT NULL, status enum('new', 'paid', 'shipped', 'returned') NOT NULL,
      total decimal(12,2) NOT NULL, external_ref bigint NOT NULL, weight double NOT NULL, gift tinyint(1) NOT NULL, placed_at datetime(6) NOT NULL,
      due date NOT NULL, note text NOT NULL, details json NOT NULL, quantities varchar(100) NOT NULL, fingerprint varbinary(16) NOT NULL, version int NOT NULL,
      updated_at datetime(6) NULL, KEY (placed_at), FOREIGN KEY (customer_id) REFERENCES customers (id));
    INSERT INTO orders
    SELECT seq, INSERT(INSERT(INSERT(INSERT(MD5(CONCAT('u', seq)), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-'), 1 + (seq * 7919) MOD 20000,
      ELT(1 + seq MOD 4, 'new', 'paid', 'shipped', 'returned'), ((seq * 104729) MOD 10000000) / 100, 9007199254740993 + seq * 1000003, SQRT(seq) * 0.1, seq MOD 3 = 0,
      '2024-01-01' + INTERVAL seq * 7000001 MICROSECOND, '2024-01-01' + INTERVAL seq MOD 700 DAY,
      CONCAT('Order ', seq, '\\tplaced by "web"\\nfor ', MD5(CONCAT('a', seq)), IF(seq MOD 10 = 0, ' – größer', '')),
      CONCAT('{"channel": "web", "lines": ', seq MOD 9, ', "ratio": ', (seq MOD 100) * 0.25, ', "tags": ["a", "b"]}'),
      CONCAT_WS(',', seq MOD 100, seq MOD 1000, seq MOD 10000), UNHEX(MD5(CONCAT('x', seq))), 1 + seq MOD 5,
      IF(seq MOD 20 = 0, NULL, '2025-06-01' + INTERVAL seq * 1500000 MICROSECOND)
    FROM seq_1_to_${rows};
    ANALYZE TABLE orders, customers`
}
