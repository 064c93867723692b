package dev.sennit.testing;

import org.jspecify.annotations.Nullable;

/** A virtual thread of one schedule; only the driver touches it. */
final class Strand {
    /** Its number in the order of starts; the body has 0. */
    final int number;

    final Runnable continuation;
    final Thread thread;

    /** A place that may be the same as any other. */
    static final Object ANYWHERE = new Object();
    /** A place that is the same as no other, of a thread that has not come to a memory point. */
    static final Object NOWHERE = new Object();

    /** The part of a place that may be any part of it. */
    static final int ANY_PART = Integer.MAX_VALUE;
    /** The part of a place that is its monitor. */
    static final int MONITOR = Integer.MAX_VALUE - 1;
    /** The part of a thread that is whether it has ended. */
    static final int END = Integer.MAX_VALUE - 2;

    boolean ready;
    int priority;
    /** The object to which it will do something next, and which part of it: see {@link MemoryPoints}. */
    @Nullable Object place = NOWHERE;
    int part;
    boolean writes;
    /** The place in code at which it will do that; 0 for none. */
    int site;
    /** The place in code at which it was started: threads that run the same code mostly have the same. */
    int kind;
    /** How many waits it has begun that may end without a reason. */
    int waits;
    /** How often it has read the clock since its last wait. */
    int looks;

    /** Whether it waits for a time by the clock of the schedule, not in a wait of the JDK. */
    boolean sleeps;

    Early early = Early.NO;

    /** Whether a timed wait ends before its time. */
    enum Early {
        NO,
        /** The next one does. */
        NEXT,
        /** The present one does. */
        NOW
    }

    /** The stack where it suspended last, if that is recorded. */
    StackTraceElement @Nullable [] suspended;

    Strand(int number, Runnable continuation, Thread thread) {
        this.number = number;
        this.continuation = continuation;
        this.thread = thread;
    }

    /** Returns whether the order matters in which this and another thread do what they do next. */
    boolean conflictsWith(Strand other) {
        return (writes || other.writes) && areSame(place, part, other.place, other.part);
    }

    /** Returns whether two places may be the same. */
    static boolean areSame(@Nullable Object one, int part, @Nullable Object other, int otherPart) {
        if (one == NOWHERE || other == NOWHERE) {
            return false;
        }
        return one == ANYWHERE || other == ANYWHERE
                || one == other && (part == otherPart || part == ANY_PART || otherPart == ANY_PART);
    }

    /** Returns whether another thread was started at the same place in code, and has come to the same place. */
    boolean isLike(Strand other) {
        return kind == other.kind && site == other.site;
    }

    String name() {
        String given = thread.getName();
        return number == 0 ? "body" : given.isEmpty() ? "thread-" + number : given + " (" + number + ')';
    }
}
