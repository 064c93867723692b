package dev.sennit.queue.sql;

import dev.sennit.queue.broker.BrokerEvent;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the operations of one transaction share: its time, the order of what becomes ready, the events, and whom to tell
 * after the commit. {@link #finish} is the last thing before it.
 */
public final class Step {
    private record Event(BrokerEvent.Kind kind, String id, String type, String queue, @Nullable String worker,
            String detail) {}

    private final Session session;
    private final Dialect dialect;
    private final Wakes wakes = new Wakes();
    private final List<Event> events = new ArrayList<>();
    private Dialect.Moment moment;
    private long next;

    /**
     * Begins.
     *
     * @param session a connection that has begun a transaction
     * @param dialect the dialect of its database
     * @throws SQLException if the database fails
     */
    public Step(Session session, Dialect dialect) throws SQLException {
        this.session = session;
        this.dialect = dialect;
        moment = dialect.moment(session);
        next = moment.from();
    }

    /**
     * Returns the connection.
     *
     * @return the connection
     */
    public Session session() {
        return session;
    }

    Query query(String template) throws SQLException {
        return session.query(template);
    }

    Dialect dialect() {
        return dialect;
    }

    /**
     * Returns the time of the transaction.
     *
     * @return milliseconds since 1970
     */
    public long now() {
        return moment.now();
    }

    /**
     * Returns whom the transaction concerns.
     *
     * @return whom to tell after the commit
     */
    public Wakes wakes() {
        return wakes;
    }

    /** Returns a number that is greater than all before. */
    long order() throws SQLException {
        if (next == moment.to()) {
            moment = dialect.more(session, moment);
            next = moment.from();
        }
        return next++;
    }

    void event(BrokerEvent.Kind kind, String id, String type, String queue, @Nullable String worker, String detail) {
        if (moment.eventsUntil() > moment.now()) {
            events.add(new Event(kind, id, type, queue, worker, detail));
        }
    }

    void event(BrokerEvent.Kind kind, Row row, String detail) {
        event(kind, row.id, row.type, row.queue, row.worker, detail);
    }

    /** Returns the time that is later by a duration; far away if that is very long. */
    static long later(long now, Duration time) {
        return now + millis(time);
    }

    /** Returns a duration in milliseconds, rounded up. */
    static long millis(Duration time) {
        return time.compareTo(Duration.ofMillis(Long.MAX_VALUE / 4)) > 0
                ? Long.MAX_VALUE / 4
                : time.plusNanos(999_999).toMillis();
    }

    /**
     * Writes what is left to write. The caller commits then, and tells those of {@link #wakes}.
     *
     * @throws SQLException if the database fails
     */
    public void finish() throws SQLException {
        if (!events.isEmpty()) {
            writeEvents();
        }
        if (next != moment.from()) {
            dialect.end(session, moment, next);
        }
    }

    private void writeEvents() throws SQLException {
        // The last lock that is taken: numbers have no gaps, so transactions that have events wait for each other here.
        session.query("UPDATE {meta} SET event_number = event_number + ?").number(events.size()).update();
        Long last = session.query("SELECT event_number FROM {meta}").first(row -> row.getLong(1));
        long number = (last == null ? 0 : last) - events.size();
        Query insert = session.query("INSERT INTO {event} (number, at, kind, id, type, queue, worker, detail)"
                + " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
        for (Event event : events) {
            insert.number(++number).number(now()).text(event.kind().name()).text(event.id()).text(event.type())
                    .text(event.queue()).text(event.worker()).text(event.detail()).add();
        }
        insert.run();
        session.query("DELETE FROM {event} WHERE number <= ?")
                .number(number - dev.sennit.queue.broker.Broker.EVENTS).update();
        events.clear();
    }
}
