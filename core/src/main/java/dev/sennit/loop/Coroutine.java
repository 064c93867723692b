package dev.sennit.loop;

import dev.sennit.Submission;
import org.jspecify.annotations.Nullable;

/** One coroutine: a submission and its thread. */
final class Coroutine implements CoroutineScheduler.Body {
    private final Coroutines all;
    private final Submission<?> submission;
    private final int number;
    /** A number and no reference: who has ended is not kept by those it started. */
    private final long startedBy = Thread.currentThread().threadId();

    private volatile @Nullable Thread thread;

    Coroutine(Coroutines all, Submission<?> submission, int number) {
        this.all = all;
        this.submission = submission;
        this.number = number;
    }

    /** Which one of its loop's it is. */
    int number() {
        return number;
    }

    Submission<?> submission() {
        return submission;
    }

    /** The number of the thread that submitted it. */
    long startedBy() {
        return startedBy;
    }

    /** Null while it is just being submitted. */
    @Nullable Thread thread() {
        return thread;
    }

    @Override
    public void runsIn(Thread itsThread) {
        thread = itsThread;
    }

    @Override
    public void run() {
        try {
            submission.run();
        } finally {
            all.ended(this);
        }
    }

    @Override
    public int hashCode() {
        return number; // neighbours in time get places of their own beside each other: a quarter of what a start costs
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return this == other;
    }
}
