package dev.sennit.observe;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;
import jdk.jfr.Timestamp;
import org.jspecify.annotations.Nullable;

/**
 * A run of a task in a recording of the JDK Flight Recorder. A reader thread writes the event a moment after the run,
 * so the times of the run are fields. The class is loaded only when a recording has the event enabled.
 */
@Name(FlightEvents.NAME)
@Label("Task")
@Description("A run of a task in a pool of Sennit's")
@Category("Sennit")
@Enabled(false)
@StackTrace(false)
final class FlightEvent extends Event {
    @Label("Name")
    @Nullable String name;

    @Label("Pool")
    @Nullable String pool;

    @Label("Worker")
    @Nullable String worker;

    @Label("Task Number")
    long task;

    @Label("Begun")
    @Timestamp(Timestamp.MILLISECONDS_SINCE_EPOCH)
    long begun;

    @Label("Wait")
    @Description("How long the task has waited for its worker")
    @Timespan(Timespan.NANOSECONDS)
    long waited;

    @Label("Run")
    @Description("How long the run took, as its worker measured it")
    @Timespan(Timespan.NANOSECONDS)
    long ran;

    @Label("Outcome")
    @Description("succeeded, failed, cancelled or stopped")
    @Nullable String outcome;

    @Label("Failure")
    @Nullable String failure;
}
