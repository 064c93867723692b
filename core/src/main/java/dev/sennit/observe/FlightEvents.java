package dev.sennit.observe;

import dev.sennit.internal.Uncaught;
import dev.sennit.observe.TaskEvents.Listening;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import jdk.jfr.FlightRecorder;
import jdk.jfr.FlightRecorderListener;
import jdk.jfr.Recording;
import jdk.jfr.RecordingState;
import org.jspecify.annotations.Nullable;

/**
 * Writes {@code dev.sennit.Task} events for recordings of the JDK Flight Recorder that have them enabled.
 *
 * <p>The recorder calls this listener when a recording starts or stops. While a recording has the event enabled, a
 * reader of {@link TaskEvents} is open. Before that not even the class of the event is loaded, as loading takes long. A
 * recording has to enable the event before it starts.
 *
 * <p>A runtime image may lack {@code jdk.jfr}: only {@link PoolOpening} names this class.
 */
final class FlightEvents implements FlightRecorderListener {
    static final String NAME = "dev.sennit.Task";
    /** The recorder's value for an unknown time. */
    private static final long UNKNOWN = Long.MIN_VALUE;

    private static final String ENABLED = NAME + "#enabled";

    private static final AtomicReference<@Nullable FlightEvents> FOLLOWS = new AtomicReference<>();

    /** The number of pending checks. The thread that increases it from 0 checks until none is pending. */
    private final AtomicInteger looks = new AtomicInteger();
    /** Only the thread that checks. Null while no recording has the event enabled. */
    private @Nullable Listening listening;

    private FlightEvents() {}

    /** Follows the recordings of this JVM from now on, including running ones. */
    static void follow() {
        if (FOLLOWS.get() == null) {
            var events = new FlightEvents();
            if (FOLLOWS.compareAndSet(null, events)) {
                FlightRecorder.addListener(events);
                if (FlightRecorder.isInitialized()) {
                    events.look();
                }
            }
        }
    }

    /** Stops following recordings, so that the library's class loader can be unloaded. */
    static void stopFollowing() {
        FlightEvents events = FOLLOWS.getAndSet(null);
        if (events != null) {
            FlightRecorder.removeListener(events);
            events.look();
        }
    }

    /** Called by the recorder. */
    @Override
    public void recordingStateChanged(Recording recording) {
        look();
    }

    /** Checks which recordings have the event enabled. Holds no lock, as the recorder may hold locks of its own. */
    private void look() {
        if (looks.getAndIncrement() > 0) {
            return; // another thread checks again
        }
        int seen;
        do {
            seen = looks.get();
            try {
                listenIf(FOLLOWS.get() == this
                        && FlightRecorder.getFlightRecorder().getRecordings().stream().anyMatch(FlightEvents::asks));
            } catch (Exception | LinkageError | OutOfMemoryError e) { // the recorder goes on without these events
                Uncaught.log("tasks are not written to flight recordings", e);
            }
        } while (!looks.compareAndSet(seen, 0));
    }

    private void listenIf(boolean isWanted) {
        Listening now = listening;
        if (isWanted && now == null) {
            listening = TaskEvents.listen(new Writer());
        } else if (!isWanted && now != null) {
            listening = null;
            now.close();
        }
    }

    private static boolean asks(Recording recording) {
        return recording.getState() == RecordingState.RUNNING
                && "true".equals(recording.getSettings().get(ENABLED));
    }

    /** Used by the thread of one reader. */
    private static final class Writer implements TaskListener {
        private final TaskRun.Joiner runs = new TaskRun.Joiner();

        @Override
        public void event(TaskEvent event) {
            TaskRun run = runs.add(event);
            if (run == null) {
                return;
            }
            var written = new FlightEvent();
            TaskEvent begun = run.begun();
            written.name = begun.name();
            written.pool = begun.pool();
            written.worker = begun.worker().orElse(null);
            written.task = begun.task();
            written.begun = begun.at().toEpochMilli();
            written.waited = begun.waited().map(Duration::toNanos).orElse(UNKNOWN);
            written.ran = run.ran().toNanos();
            written.outcome = run.outcome();
            written.failure = run.failure().orElse(null);
            written.commit();
        }
    }
}
