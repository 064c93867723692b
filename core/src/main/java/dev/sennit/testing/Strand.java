package dev.sennit.testing;

import org.jspecify.annotations.Nullable;

/** A virtual thread of one schedule; only the driver touches it. */
final class Strand {
    /** Its number in the order of starts; the body has 0. */
    final int number;

    final Runnable continuation;
    final Thread thread;

    boolean ready;
    int priority;
    /** How often it has read the clock since its last wait. */
    int looks;

    /** The stack where it suspended last, if that is recorded. */
    StackTraceElement @Nullable [] suspended;

    Strand(int number, Runnable continuation, Thread thread) {
        this.number = number;
        this.continuation = continuation;
        this.thread = thread;
    }

    String name() {
        String given = thread.getName();
        return number == 0 ? "body" : given.isEmpty() ? "thread-" + number : given + " (" + number + ')';
    }
}
