package dev.sennit.server.rest;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A topic in memory. Events are numbered; their ids begin with a text that no other topic has, so that a subscriber of
 * another worker, or of an earlier one, is not taken for one of this topic.
 */
final class InProcessTopic implements Topic {
    private final int mostKept;
    private final String prefix = UUID.randomUUID().toString().substring(0, 8) + "-";

    private final ReentrantLock lock = new ReentrantLock();
    /** Guarded by lock. The last events, the oldest first. */
    private final ArrayDeque<TopicEvent> kept = new ArrayDeque<>();
    /** Guarded by lock. */
    private final Set<Waiting> subscriptions = new HashSet<>();
    /** Guarded by lock. How many events there were. */
    private long published;

    InProcessTopic(int mostKept) {
        if (mostKept < 0) {
            throw new IllegalArgumentException("history must be >= 0, was " + mostKept);
        }
        this.mostKept = mostKept;
    }

    @Override
    public TopicEvent publish(String name, String data) {
        lock.lock();
        try {
            TopicEvent event = new TopicEvent(prefix + (published + 1), name, data);
            published++;
            kept.add(event);
            if (kept.size() > mostKept) {
                kept.remove();
            }
            subscriptions.removeIf(each -> !each.offer(event));
            return event;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Subscription subscribe(@Nullable String lastId, int buffer, SlowReader slow) {
        Waiting subscription = new Waiting(buffer, Objects.requireNonNull(slow, "slow"));
        lock.lock();
        try {
            if (lastId != null) {
                replay(subscription, lastId);
            }
            if (!subscription.isEnding) {
                subscriptions.add(subscription);
            }
        } finally {
            lock.unlock();
        }
        return subscription;
    }

    private void replay(Waiting subscription, String lastId) {
        long last = number(lastId);
        long oldest = published - kept.size(); // the last event that is not kept
        long from = Math.max(last, oldest);
        if (last < 0) {
            subscription.missed = Subscription.UNKNOWN;
            from = oldest;
        } else if (last < oldest) {
            subscription.missed = oldest - last;
        }
        long number = oldest;
        for (TopicEvent event : kept) {
            number++;
            if (number > from) {
                subscription.events.add(event);
            }
        }
    }

    /** Returns which event it is; less than 0 if it is none of this topic. */
    private long number(String id) {
        if (!id.startsWith(prefix)) {
            return -1;
        }
        try {
            long number = Long.parseLong(id.substring(prefix.length()));
            return number < 0 || number > published ? -1 : number;
        } catch (NumberFormatException e) { // a client may send anything
            return -1;
        }
    }

    /** Returns how many there are. */
    int subscribers() {
        lock.lock();
        try {
            return subscriptions.size();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public String toString() {
        lock.lock();
        try {
            return "topic " + prefix + ", " + published + " events, " + kept.size() + " kept, " + subscriptions.size()
                    + " subscribers";
        } finally {
            lock.unlock();
        }
    }

    /** The events that wait for a subscriber. All fields are guarded by the lock of the topic. */
    private final class Waiting implements Subscription {
        private final int most;
        private final SlowReader slow;
        /** At first the events that are replayed; they are no more than the topic keeps. */
        private final ArrayDeque<TopicEvent> events = new ArrayDeque<>();
        /** How many of them were published since it subscribed; at most {@code most}. */
        private int fresh;
        private final Condition changed = lock.newCondition();
        private long missed;
        /** Whether nothing more comes. */
        private boolean isEnding;

        Waiting(int most, SlowReader slow) {
            if (most < 1) {
                throw new IllegalArgumentException("buffer must be >= 1, was " + most);
            }
            this.most = most;
            this.slow = slow;
        }

        /** Takes an event; returns whether it takes more. */
        boolean offer(TopicEvent event) {
            if (fresh == most && slow == SlowReader.CLOSE) {
                isEnding = true;
            } else {
                if (fresh == most) {
                    events.remove();
                    missed = missed == UNKNOWN ? UNKNOWN : missed + 1;
                } else {
                    fresh++;
                }
                events.add(event);
            }
            changed.signalAll();
            return !isEnding;
        }

        @Override
        public Optional<TopicEvent> next(Duration limit) throws InterruptedException {
            long left = limit.toNanos();
            lock.lockInterruptibly();
            try {
                while (events.isEmpty() && !isEnding && left > 0) {
                    left = changed.awaitNanos(left);
                }
                Optional<TopicEvent> next = Optional.ofNullable(events.poll());
                fresh = Math.min(fresh, events.size()); // the oldest go first
                return next;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public long missed() {
            lock.lock();
            try {
                long count = missed;
                missed = 0;
                return count;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void end() {
            lock.lock();
            try {
                isEnding = true;
                subscriptions.remove(this);
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }

        @Override
        public boolean hasEnded() {
            lock.lock();
            try {
                return isEnding && events.isEmpty();
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void close() {
            lock.lock();
            try {
                end();
                events.clear();
            } finally {
                lock.unlock();
            }
        }
    }
}
