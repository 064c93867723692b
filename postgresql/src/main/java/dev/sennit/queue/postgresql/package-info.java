/**
 * Task queues in a PostgreSQL database: {@code Broker.open("postgresql://USER:PASSWORD@HOST/DATABASE")}, or
 * {@link dev.sennit.queue.postgresql.PostgresqlBroker#over} a {@code DataSource}. Workers on many machines share them,
 * and programs enqueue tasks in their own transactions.
 *
 * <p>PostgreSQL 13 or later. The first broker makes the tables, in a schema of their own.
 */
@NullMarked
package dev.sennit.queue.postgresql;

import org.jspecify.annotations.NullMarked;
