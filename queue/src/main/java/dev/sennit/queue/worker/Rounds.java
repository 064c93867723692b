package dev.sennit.queue.worker;

import dev.sennit.TimeSource;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.ControlMessage;
import dev.sennit.queue.broker.Upkeep;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * What a worker does now and then, in a thread of its own, as it may take its time: it reports itself, has the broker
 * tidied up, does what others ask of it, and grows or shrinks.
 */
final class Rounds implements Runnable {
    private static final Logger LOG = System.getLogger(Worker.class.getName());
    /** How often upkeep is called in a row. */
    private static final int MOST_UPKEEP = 100;

    private static final int MOST_REQUESTS = 100;
    /** How often upkeep is called at least: what a lost worker had is ready again that long after its lease. */
    private static final long UPKEEP_NANOS = 500_000_000;
    /** How often the worker reports itself at least, whatever its lease: others take it for lost after a minute. */
    private static final long REPORT_NANOS = 10_000_000_000L;

    /** Whose rounds they are. */
    interface Subject {
        /** Tells the broker of the worker. */
        void report();

        /** Does what somebody asks. */
        void handle(ControlMessage message);
    }

    private final WorkerSettings settings;
    private final Broker broker;
    private final TimeSource time;
    private final Holdings holdings;
    private final QueueShares shares;
    private final Outage outage;
    private final Subject subject;
    private final Alarm alarm;
    private final BlockingQueue<ControlMessage> requests = new ArrayBlockingQueue<>(MOST_REQUESTS);
    private volatile boolean isEnded;

    Rounds(WorkerSettings settings, Holdings holdings, QueueShares shares, Outage outage, Subject subject) {
        this.settings = settings;
        this.holdings = holdings;
        this.shares = shares;
        this.outage = outage;
        this.subject = subject;
        broker = settings.broker();
        time = settings.time();
        alarm = new Alarm(time);
    }

    /** Takes a request, to be done by the thread. */
    void request(ControlMessage message) {
        if (!requests.offer(message)) {
            LOG.log(Level.WARNING, settings.name() + " - passes over \"" + message.command() + "\": "
                    + MOST_REQUESTS + " requests wait");
        }
        alarm.ring();
    }

    void end() {
        isEnded = true;
        alarm.ring();
    }

    @Override
    public void run() {
        long third = settings.lease().dividedBy(3).toNanos();
        WorkerSettings.Scaling scaling = settings.scaling();
        long scalingTurn = scaling == null
                ? Long.MAX_VALUE
                : Math.min(third, Math.max(scaling.targetAge().toNanos() / 4, 50_000_000));
        long reportTurn = Math.min(third, REPORT_NANOS);
        long upkeepTurn = Math.min(third, UPKEEP_NANOS);
        long nextReport = time.nanoTime();
        long nextUpkeep = nextReport;
        long nextScaling = nextReport;
        while (!isEnded) {
            Outage.Call call = Outage.Call.UPKEEP;
            try {
                ControlMessage message = requests.poll();
                while (message != null) {
                    subject.handle(message);
                    message = requests.poll();
                }
                long now = time.nanoTime();
                if (now - nextReport >= 0) {
                    nextReport = now + reportTurn;
                    call = Outage.Call.REPORT;
                    outage.ask(() -> {
                        subject.report();
                        return true;
                    });
                    outage.worked(call);
                    call = Outage.Call.UPKEEP;
                }
                if (now - nextUpkeep >= 0) {
                    nextUpkeep = now + upkeepTurn;
                    upkeep();
                    outage.worked(call);
                }
                if (scaling != null && now - nextScaling >= 0) {
                    nextScaling = now + scalingTurn;
                    scale(scaling);
                }
            } catch (RuntimeException e) {
                outage.failed(call, e);
            } catch (Error e) {
                LOG.log(Level.ERROR, settings.name() + " - could not do its rounds: " + e, e);
            }
            long now = time.nanoTime();
            long wait = Math.min(nextReport - now, nextUpkeep - now);
            if (scaling != null) {
                wait = Math.min(wait, nextScaling - now);
            }
            if (wait > 0 && !isEnded) {
                alarm.sleep(Duration.ofNanos(wait));
            }
        }
    }

    private void upkeep() {
        for (int i = 0; i < MOST_UPKEEP && !isEnded; i++) {
            Upkeep done = outage.ask(() -> broker.upkeep(settings.limits()));
            if (done.takenBack() + done.crashed() > 0) {
                LOG.log(Level.WARNING, settings.name() + " - lost workers had " + (done.takenBack() + done.crashed())
                        + " tasks: " + done.takenBack() + " are ready again, " + done.crashed() + " have ended");
            }
            if (!done.more()) {
                return;
            }
        }
    }

    private void scale(WorkerSettings.Scaling scaling) {
        Optional<Duration> oldest = outage.ask(() -> broker.oldestReady(shares.order()));
        int places = holdings.places();
        if (oldest.isPresent() && oldest.get().compareTo(scaling.targetAge()) > 0 && places < scaling.max()) {
            holdings.resize(Math.min(scaling.max(), places + Math.max(1, places / 2)));
            LOG.log(Level.INFO, settings.name() + " - grows to " + holdings.places() + ", as a task has waited for "
                    + oldest.get().toMillis() + " ms");
        } else if (oldest.isEmpty() && places > scaling.min() && holdings.occupied() < places) {
            holdings.resize(places - 1);
        }
    }
}
