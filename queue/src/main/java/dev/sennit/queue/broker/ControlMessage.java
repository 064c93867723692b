package dev.sennit.queue.broker;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request to workers that run: {@code quiet}, {@code resume}, {@code shutdown}, {@code grow}, {@code shrink},
 * {@code add-queue}, {@code remove-queue}. Workers pass over commands that they do not know.
 *
 * @param worker the id of the worker, or null for all
 * @param command the command
 * @param arguments its arguments
 */
public record ControlMessage(@Nullable String worker, String command, Map<String, String> arguments) {
    /** Copies the map. */
    public ControlMessage {
        arguments = Map.copyOf(arguments);
    }
}
