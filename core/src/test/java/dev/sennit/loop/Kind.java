package dev.sennit.loop;

import java.util.concurrent.ThreadFactory;

/** The kinds of threads that have to behave the same. */
enum Kind {
    PLATFORM(Thread.ofPlatform().daemon().factory()),
    VIRTUAL(Thread.ofVirtual().factory()),
    COROUTINE(ofALoop());

    final ThreadFactory threads;

    Kind(ThreadFactory threads) {
        this.threads = threads;
    }

    /** The virtual threads that a coroutine makes are of its loop. */
    private static ThreadFactory ofALoop() {
        EventLoop loop = EventLoop.builder().mechanism(EventLoop.Mechanism.SCHEDULER).name("kind").open();
        return body -> loop.submit(() -> Thread.ofVirtual().unstarted(body)).join();
    }
}
