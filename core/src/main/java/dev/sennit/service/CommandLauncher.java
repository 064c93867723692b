package dev.sennit.service;

import dev.sennit.internal.Quietly;
import dev.sennit.internal.Timers;
import dev.sennit.internal.machine.ProcessStart;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** Runs a command below a {@link Keeper}. */
final class CommandLauncher implements Launcher {
    /**
     * The variables by which systemd addresses the manager. A command with these variables would send messages in the
     * manager's name.
     */
    private static final Set<String> MANAGERS_OWN =
            Set.of("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES");

    private final ServiceSettings settings;
    private final String worker;
    private final LineSink lines;
    private final @Nullable Path setsid;

    /**
     * Makes a launcher.
     *
     * @param settings of a command
     * @param worker the worker's name, for threads and messages
     * @param lines receives the output of each run
     */
    CommandLauncher(ServiceSettings settings, String worker, LineSink lines) {
        this(settings, worker, lines, Keeper.setsid());
    }

    CommandLauncher(ServiceSettings settings, String worker, LineSink lines, @Nullable Path setsid) {
        this.settings = settings;
        this.worker = worker;
        this.lines = lines;
        this.setsid = setsid;
    }

    /** Starts a run. Returns when the command is about to begin, after a few milliseconds. */
    @Override
    public Run start(RunListener listener) throws IOException {
        try {
            return launch(listener);
        } catch (IOException | OutOfMemoryError e) { // the error of a JVM that cannot start a thread
            String why = Objects.toString(e.getMessage(), e.toString()).lines().findFirst().orElse("");
            throw new IOException(worker + " cannot start: " + why, e);
        }
    }

    private Run launch(RunListener listener) throws IOException {
        Path directory = directory();
        var builder = new ProcessBuilder();
        builder.directory(directory.toFile());
        Map<String, String> environment = builder.environment();
        environment.keySet().removeAll(MANAGERS_OWN);
        environment.putAll(settings.environment());
        ensureProgram(
                settings.command().getFirst(), environment.getOrDefault("PATH", "/usr/bin:/bin"), directory);
        NotifySocket notify = settings.readiness() instanceof Readiness.Said ? NotifySocket.open() : null;
        Process keeper = null;
        try {
            if (notify != null) {
                environment.put(NotifySocket.VARIABLE, notify.path().toString());
            }
            builder.command(Keeper.commandLine(
                    settings.command(), environment, settings.orphanLimit(), settings.stopLimit(), setsid));
            keeper = ProcessStart.start(builder);
            var run = new CommandRun(
                    worker, keeper, pidFrom(keeper), settings.readiness(), notify, lines, listener);
            run.begin();
            return run;
        } catch (Throwable e) {
            if (keeper != null) {
                keeper.destroyForcibly();
                Quietly.close(keeper.getOutputStream()); // then the watch ends the group
            }
            if (notify != null) {
                notify.close();
            }
            throw e;
        }
    }

    private Path directory() throws IOException {
        Path directory = Objects.requireNonNullElse(settings.directory(), Path.of("")).toAbsolutePath();
        if (!Files.isDirectory(directory)) {
            throw new IOException("its directory " + directory
                    + (Files.exists(directory) ? " is a file" : " does not exist")
                    + ": make that folder, or set another directory");
        }
        return directory;
    }

    /** Checks that a program exists. The shell would report that too, but only in a process. */
    private static void ensureProgram(String program, String path, Path directory) throws IOException {
        Path refused = null;
        try {
            for (Path file : candidates(program, path, directory)) {
                if (Files.isRegularFile(file)) {
                    if (Files.isExecutable(file)) {
                        return;
                    }
                    refused = file;
                }
            }
        } catch (InvalidPathException e) {
            throw new IOException("its program has a name that no file can have (" + e.getReason()
                    + "): correct its command", e);
        }
        if (refused != null) {
            throw new IOException("its program " + refused + " may not be executed: chmod +x " + refused);
        }
        throw new IOException(
                program.contains("/")
                        ? "there is no program " + directory.resolve(program) + ": install it, or correct its command"
                        : "there is no program " + program + " in PATH (" + path
                                + "): install it, or name it with its folder");
    }

    private static List<Path> candidates(String program, String path, Path directory) {
        return program.contains("/")
                ? List.of(directory.resolve(program))
                : List.of(path.split(":", -1)).stream()
                        .map(folder -> directory.resolve(folder).resolve(program))
                        .toList();
    }

    /** Reads the first line of output, and no byte beyond it. */
    private long pidFrom(Process keeper) throws IOException {
        Future<?> tooLong = Timers.after(settings.startLimit(), keeper::destroyForcibly);
        try {
            InputStream output = keeper.getInputStream();
            long pid = 0;
            for (int digit = output.read(); digit != '\n'; digit = output.read()) {
                if (digit < '0' || digit > '9') {
                    throw new IOException("the shell that keeps it ended too early: see whether there is room for "
                            + "more processes, and whether /bin/sh works");
                }
                pid = pid * 10 + digit - '0';
            }
            return pid;
        } finally {
            tooLong.cancel(false);
        }
    }
}
