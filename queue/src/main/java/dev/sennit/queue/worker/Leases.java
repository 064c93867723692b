package dev.sennit.queue.worker;

import dev.sennit.TimeSource;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.LeaseState;
import dev.sennit.queue.broker.Renewal;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Renews the leases of all tasks that a worker has, in a thread of its own, which no task can starve: all of them in
 * one call, three times in a lease. Checkpoints go along at once, those of a few milliseconds together; progress goes
 * along twice a second.
 */
final class Leases implements Runnable {
    private static final Logger LOG = System.getLogger(Worker.class.getName());
    private static final long GATHERING_NANOS = 2_000_000;
    /** How often it is seen whether a renewal hangs. */
    private static final long WATCH_NANOS = 1_000_000_000;
    private static final Duration NEWS_PAUSE = Duration.ofMillis(500);

    /** Whose leases they are. */
    interface Holder {
        /** Returns all tasks whose leases are to be renewed. */
        Collection<HeldTask> held();

        /** A task is to stop. */
        void cancel(HeldTask task);

        /** A task is somebody else's by now. */
        void lost(HeldTask task);

        /** No lease could be renewed: those that are over by now are given up. */
        void stopOverdue(long now);
    }

    private final String name;
    private final Broker broker;
    private final Duration lease;
    private final long third;
    private final TimeSource time;
    private final Outage outage;
    private final Alarm alarm;
    private volatile Holder holder = new NoHolder();
    private volatile boolean isEnded;
    /** Whether a checkpoint waits, or anything. */
    private volatile boolean isUrgent;

    private volatile boolean hasNews;
    /** One renewal at a time, so that no older checkpoint arrives after a newer one. */
    private final ReentrantLock telling = new ReentrantLock();
    /** Sees to it that leases end here, too, while the broker lets a renewal wait. */
    private final Watch watch;
    /** Whether a renewal is under way, and since when; written by the thread of the renewals. */
    private volatile boolean isRenewing;

    private volatile long renewingSince;

    Leases(String name, Broker broker, Duration lease, TimeSource time, Outage outage) {
        this.name = name;
        this.broker = broker;
        this.lease = lease;
        this.time = time;
        this.outage = outage;
        third = lease.dividedBy(3).toNanos();
        alarm = new Alarm(time);
        watch = new Watch(new Alarm(time));
    }

    /** Sets whose leases they are, before the thread starts. */
    void of(Holder newHolder) {
        holder = newHolder;
    }

    /** Notes that a run has something to tell. */
    void hasNews(boolean urgent) {
        if (urgent ? !isUrgent : !hasNews) {
            if (urgent) {
                isUrgent = true;
            } else {
                hasNews = true;
            }
            alarm.ring();
        }
    }

    void end() {
        isEnded = true;
        alarm.ring();
        watch.alarm.ring();
    }

    /** Returns what watches the renewals, in another thread. */
    Runnable watch() {
        return watch;
    }

    @Override
    public void run() {
        long next = time.nanoTime() + third;
        long toldAt = time.nanoTime() - NEWS_PAUSE.toNanos();
        long triedAgainAt = 0;
        int failures = 0;
        while (!isEnded) {
            try {
                long now = time.nanoTime();
                long wait = failures > 0 ? triedAgainAt - now : next - now;
                if (failures == 0 && isUrgent) {
                    wait = 0;
                } else if (failures == 0 && hasNews) {
                    wait = Math.min(wait, toldAt + NEWS_PAUSE.toNanos() - now);
                }
                if (wait > 0) {
                    alarm.sleep(Duration.ofNanos(wait));
                    continue;
                }
                boolean isTurn = failures > 0 || next - now <= 0;
                if (!isTurn && isUrgent) {
                    LockSupport.parkNanos(GATHERING_NANOS);
                }
                isUrgent = false;
                hasNews = false;
                List<HeldTask> tasks = new ArrayList<>(holder.held());
                if (!isTurn) {
                    tasks.removeIf(task -> !task.hasNews());
                }
                if (renew(tasks)) {
                    failures = 0;
                    toldAt = now;
                    next = isTurn ? now + third : next;
                } else {
                    failures++;
                    triedAgainAt = now + Math.min(third, Outage.pauseAfter(failures).toNanos());
                    holder.stopOverdue(time.nanoTime());
                }
            } catch (Throwable e) { // whatever it is, leases have to be renewed
                LOG.log(Level.ERROR, name + " - leases could not be renewed: " + e, e);
                failures++;
                triedAgainAt = time.nanoTime() + Math.min(third, 100_000_000);
            }
        }
    }

    /** Tells the checkpoints of some tasks, and waits for those that are being told, before their ends are told. */
    void flush(List<HeldTask> tasks) {
        if (!tasks.isEmpty()) {
            telling.lock();
            try {
                List<HeldTask> untold = tasks.stream().filter(HeldTask::hasUntoldCheckpoint).toList();
                if (!untold.isEmpty()) {
                    extend(untold, untold.stream().map(HeldTask::renewal).toList());
                }
            } finally {
                telling.unlock();
            }
        }
    }

    private boolean renew(List<HeldTask> tasks) {
        if (tasks.isEmpty()) {
            return true;
        }
        List<LeaseState> states;
        long asked;
        renewingSince = time.nanoTime();
        isRenewing = true;
        telling.lock(); // which waits, too, if the broker lets somebody wait who has it
        try {
            asked = time.nanoTime();
            states = extend(tasks, tasks.stream().map(HeldTask::renewal).toList());
        } catch (RuntimeException e) {
            outage.failed(Outage.Call.RENEW, e);
            return false;
        } finally {
            telling.unlock();
            isRenewing = false;
        }
        outage.worked(Outage.Call.RENEW);
        for (int i = 0; i < tasks.size(); i++) {
            HeldTask task = tasks.get(i);
            switch (states.get(i)) {
                case HELD -> task.renewed(asked + lease.toNanos());
                case CANCEL_REQUESTED -> {
                    task.renewed(asked + lease.toNanos());
                    holder.cancel(task);
                }
                case LOST -> holder.lost(task);
            }
        }
        return true;
    }

    /** Renews, and puts the checkpoints back if that fails. */
    private List<LeaseState> extend(List<HeldTask> tasks, List<Renewal> renewals) {
        try {
            List<LeaseState> states = outage.ask(() -> broker.extend(renewals, lease));
            tasks.forEach(HeldTask::told);
            return states;
        } catch (RuntimeException | Error e) {
            for (int i = 0; i < tasks.size(); i++) {
                tasks.get(i).restore(renewals.get(i));
            }
            throw e;
        }
    }

    /**
     * Gives up what is overdue while a renewal hangs, as the thread of the renewals cannot. A renewal that has just
     * begun is let be: after a standstill of the whole JVM it may well succeed.
     */
    private final class Watch implements Runnable {
        private final Alarm alarm;

        Watch(Alarm alarm) {
            this.alarm = alarm;
        }

        @Override
        public void run() {
            long turn = Math.clamp(third, 1_000_000, WATCH_NANOS);
            while (!isEnded) {
                try {
                    long now = time.nanoTime();
                    if (isRenewing && now - renewingSince >= turn) {
                        holder.stopOverdue(now);
                    }
                    outage.look();
                } catch (Throwable e) { // whatever it is, leases have to end
                    LOG.log(Level.ERROR, name + " - could not look after its leases: " + e, e);
                }
                alarm.sleep(Duration.ofNanos(turn));
            }
        }
    }

    /** Stands for the holder until that is set. */
    private static final class NoHolder implements Holder {
        @Override
        public Collection<HeldTask> held() {
            return List.of();
        }

        @Override
        public void cancel(HeldTask task) {}

        @Override
        public void lost(HeldTask task) {}

        @Override
        public void stopOverdue(long now) {}
    }
}
