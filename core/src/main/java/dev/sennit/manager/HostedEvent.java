package dev.sennit.manager;

import dev.sennit.Event;
import java.time.Duration;

/** An event in a manager's server. */
final class HostedEvent implements ManagedEvent {
    private final Event event = new Event();

    @Override
    public void set() {
        event.set();
    }

    @Override
    public void clear() {
        event.clear();
    }

    @Override
    public boolean isSet() {
        return event.isSet();
    }

    @Override
    public void await() throws InterruptedException {
        event.await();
    }

    @Override
    public boolean await(Duration timeout) throws InterruptedException {
        return event.await(timeout);
    }
}
