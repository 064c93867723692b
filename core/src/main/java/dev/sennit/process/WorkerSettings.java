package dev.sennit.process;

import dev.sennit.codec.AllowList;
import dev.sennit.internal.Sizes;
import dev.sennit.internal.machine.OutputReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How a JVM is started that works for this one: a worker of a pool, or a {@link WorkerProcess}. Immutable.
 *
 * @param limits how much memory it may use
 * @param processes how many share the memory that there is
 * @param environment variables beside those of this JVM
 * @param directory the working directory; null for that of this JVM
 * @param output where its output goes
 * @param listener gets the lines that it writes
 * @param jvmOptions the user's own options
 * @param classPath the user's own; empty for that of this JVM
 * @param allowed patterns of classes that may come home
 * @param inheritsAgents whether it has the agents of this JVM
 * @param inheritsProperties whether it has all system properties of this JVM
 * @param isDebugged whether it listens for a debugger
 */
record WorkerSettings(
        MemoryLimits limits,
        long processes,
        Map<String, String> environment,
        @Nullable Path directory,
        WorkerOutput output,
        LineListener listener,
        List<String> jvmOptions,
        List<Path> classPath,
        List<String> allowed,
        boolean inheritsAgents,
        boolean inheritsProperties,
        boolean isDebugged) {
    AllowList newAllowList() {
        return AllowList.forWorkers(allowed);
    }

    /** Takes the lines of the process with this name. */
    OutputReader.Listener linesOf(String name) {
        return (error, line) -> listener.line(name, error, line);
    }

    /** A process that has the output, the environment and the directory of these settings; the caller starts it. */
    ProcessBuilder processFor(List<String> command) {
        var process = new ProcessBuilder(command);
        if (output == WorkerOutput.INHERIT) {
            process.redirectOutput(ProcessBuilder.Redirect.INHERIT).redirectError(ProcessBuilder.Redirect.INHERIT);
        }
        if (directory != null) {
            process.directory(directory.toFile());
        }
        WorkerCommand.removeOptions(process.environment());
        process.environment().putAll(environment);
        return process;
    }

    /** Collects the settings and checks each of them. */
    static final class Builder {
        private final Map<String, String> environment = new HashMap<>();
        private final List<String> allowed = new ArrayList<>();
        private @Nullable String heap;
        private @Nullable String direct;
        private @Nullable String metaspace;
        private @Nullable Path directory;
        private WorkerOutput output = WorkerOutput.LINES;
        private @Nullable LineListener listener;
        private List<String> jvmOptions = List.of();
        private List<Path> classPath = List.of();
        private boolean agents;
        private boolean properties;
        private boolean debug;

        void heap(String size) {
            Sizes.parse("heap", size);
            heap = size;
        }

        void direct(String size) {
            Sizes.parse("direct", size);
            direct = size;
        }

        void metaspace(String size) {
            Sizes.parse("metaspace", size);
            metaspace = size;
        }

        void environment(Map<String, String> variables) {
            for (var variable : variables.entrySet()) {
                String name = variable.getKey();
                String value = Objects.requireNonNull(variable.getValue(), name);
                if (name.isEmpty() || name.contains("=") || (name + value).indexOf('\0') >= 0) {
                    throw new IllegalArgumentException(
                            "environment variable must have a name without = and no NUL, was \"" + name + "\"");
                }
            }
            environment.putAll(variables);
        }

        void directory(Path folder) {
            directory = Objects.requireNonNull(folder, "folder");
        }

        void output(WorkerOutput target) {
            output = Objects.requireNonNull(target, "target");
        }

        void onLine(LineListener newListener) {
            listener = Objects.requireNonNull(newListener, "listener");
            output = WorkerOutput.LINES;
        }

        void jvmOptions(String... options) {
            jvmOptions = List.of(options);
        }

        void classPath(Path... parts) {
            classPath = List.of(parts);
        }

        void allow(String... patterns) {
            AllowList.ensurePatterns(patterns);
            allowed.addAll(Arrays.asList(patterns));
        }

        void inheritAgents(boolean wanted) {
            agents = wanted;
        }

        void inheritProperties(boolean wanted) {
            properties = wanted;
        }

        void debug(boolean wanted) {
            debug = wanted;
        }

        void ensurePossible() {
            if (debug && output == WorkerOutput.DISCARD) {
                throw new IllegalArgumentException(
                        "debug needs output=lines or inherit, was discard: workers say there at which "
                                + "port they listen");
            }
        }

        /** The settings as they are now, for one of so many processes. */
        WorkerSettings build(long processes) {
            return new WorkerSettings(
                    new MemoryLimits(heap, direct, metaspace),
                    processes,
                    Map.copyOf(environment),
                    directory,
                    output,
                    listenerOrDefault(),
                    jvmOptions,
                    classPath,
                    List.copyOf(allowed),
                    agents,
                    properties,
                    debug);
        }

        private LineListener listenerOrDefault() {
            if (output == WorkerOutput.DISCARD) {
                return (worker, error, line) -> {};
            }
            return listener != null
                    ? listener
                    : (worker, error, line) -> (error ? System.err : System.out).println("[" + worker + "] " + line);
        }
    }
}
