/**
 * What brokers on SQL databases share: {@link dev.sennit.queue.sql.SqlStore} holds the algorithm of
 * {@link dev.sennit.queue.broker.Broker}, a {@link dev.sennit.queue.sql.Dialect} what differs between databases.
 */
@NullMarked
package dev.sennit.queue.sql;

import org.jspecify.annotations.NullMarked;
