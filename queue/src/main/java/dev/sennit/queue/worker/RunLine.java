package dev.sennit.queue.worker;

import dev.sennit.queue.StopReason;
import org.jspecify.annotations.Nullable;

/** What a run in this JVM has instead of messages: the way to its worker, for all threads of the run. */
public interface RunLine {
    /**
     * Tells the worker something, see {@link RunMessage}.
     *
     * @param message not changed any more
     */
    void message(byte[] message);

    /**
     * Returns why the worker wants the run to end.
     *
     * @return the reason, or null
     */
    @Nullable StopReason stopReason();
}
