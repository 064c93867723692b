package dev.sennit.loop;

/** The same streams where the loop sees waits only that are told to it, and has a thread for its selector. */
class BatonStreamsIT extends StreamsIT {
    @Override
    protected EventLoop open() {
        return EventLoop.builder().mechanism(EventLoop.Mechanism.BATON).open();
    }
}
