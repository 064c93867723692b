package dev.sennit.queue.broker;

import java.sql.Connection;
import java.util.List;

/**
 * Is implemented by a {@link Broker} in an SQL database: it enqueues tasks in a transaction of the caller, so they are
 * there if, and only if, that commits. The tables of the caller are in the same database.
 *
 * {@snippet :
 * import dev.sennit.queue.broker.*;
 * import java.sql.Connection;
 * import java.sql.SQLException;
 * import java.util.List;
 *
 * record Orders(TransactionalEnqueue broker) {
 *     void add(Connection connection, QueuedTask mail) throws SQLException {
 *         connection.setAutoCommit(false);
 *         // ... insert the order ...
 *         List<Enqueued> enqueued = broker.enqueue(connection, Batch.of(mail));
 *         connection.commit();
 *     }
 * }
 * }
 *
 * <p>The broker does not see the commit. Where the database does not tell others of it by itself, as SQLite, workers
 * that wait find the tasks when they look for themselves, within about a second. A transaction of SQLite that reads
 * before it enqueues has to begin IMMEDIATE, as others may write in between.
 */
public interface TransactionalEnqueue {
    /**
     * Enqueues tasks on a connection of the caller, as {@link Broker#enqueue} does.
     *
     * @param connection a connection to the database of the broker, not in the mode that commits each statement
     * @param batch the tasks
     * @return what became of each task, in their order, if the caller commits
     * @throws IllegalArgumentException if the batch is not whole, see {@link Batch#ensureWhole}, or the connection is
     *     one to another database
     * @throws IllegalStateException if the connection commits each statement
     * @throws BrokerException if the database fails; the caller rolls back
     */
    List<Enqueued> enqueue(Connection connection, Batch batch);
}
