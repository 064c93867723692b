package dev.sennit.process;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Uninterruptibles;
import dev.sennit.internal.machine.ProcessStart;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * Starts processes that get a signal from the kernel when this JVM ends. {@link #KILL} ends also those that hang or are
 * stopped ({@code SIGSTOP}), and so would not notice; {@link #CONTINUE} lets one that is stopped go on, so that it
 * notices. Linux has {@code PR_SET_PDEATHSIG} for that, and the program {@code setpriv} of util-linux sets it before it
 * becomes the program that is wanted.
 *
 * <p>For the kernel, the parent is the <em>thread</em> that started the process: the signal comes when that thread
 * ends, even while its JVM lives. A thread of the user's, of a pool, or the carrier of a virtual thread may end at any
 * time. So one platform thread starts all these processes, and stays as long as this JVM.
 */
enum ParentDeathSignal {
    /** Ends the process at once. */
    KILL("KILL"),
    /** Lets a stopped process go on; does nothing to any other. */
    CONTINUE("CONT");

    private static final String PROGRAM = "setpriv";

    private static final BlockingQueue<FutureTask<Process>> STARTS = new LinkedBlockingQueue<>();

    /** Guarded by the class. */
    private static boolean isServed;
    /** Guarded by the class. The program; empty where it is no help, null until it was tried. */
    private static @Nullable Optional<Path> program;

    private final String signal;

    ParentDeathSignal(String signal) {
        this.signal = signal;
    }

    /**
     * Returns whether this system can do it: Linux, with a {@code setpriv} that knows how (BusyBox's does not).
     *
     * @throws IOException if nothing can be started now, so that this cannot be told
     */
    static boolean isAvailable() throws IOException {
        return program().isPresent();
    }

    private static synchronized Optional<Path> program() throws IOException {
        if (program == null) {
            ProcessStart.ensureDescriptors(); // else a lack of them would look like a lack of the program, for ever
            program = find().filter(ParentDeathSignal::works);
        }
        return program;
    }

    private static Optional<Path> find() {
        if (!System.getProperty("os.name", "").equals("Linux")) {
            return Optional.empty();
        }
        String path = System.getenv("PATH");
        for (String folder : (path == null ? "/usr/bin:/bin" : path).split(File.pathSeparator, -1)) {
            try {
                Path program = Path.of(folder, PROGRAM);
                if (program.isAbsolute() && Files.isExecutable(program)) {
                    return Optional.of(program);
                }
            } catch (InvalidPathException e) {
                // no folder
            }
        }
        return Optional.empty();
    }

    private static boolean works(Path program) {
        try {
            Process trial = ProcessStart.start(
                    new ProcessBuilder(KILL.before(program, List.of(program.toString(), "--version")))
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD));
            return Uninterruptibles.get(trial::waitFor) == 0;
        } catch (IOException e) { // it is no program of this machine's
            return false;
        }
    }

    private List<String> before(Path program, List<String> command) {
        List<String> all = new ArrayList<>(List.of(program.toString(), "--pdeathsig", signal, "--"));
        all.addAll(command);
        return all;
    }

    /**
     * Starts a process that gets this signal when this JVM ends; where that cannot be, as any process is started. It
     * has the pid of the process that is returned.
     *
     * @throws OutOfMemoryError when no thread is available
     */
    Process start(ProcessBuilder process) throws IOException {
        Path found = program().orElse(null);
        if (found == null) {
            return ProcessStart.start(process);
        }
        process.command(before(found, process.command()));
        var start = new FutureTask<>(() -> ProcessStart.start(process));
        ensureServed();
        STARTS.add(start);
        Uninterruptibles.await(() -> awaitEnd(start));
        if (start.state() == Future.State.SUCCESS) {
            return start.resultNow();
        }
        switch (start.exceptionNow()) {
            case IOException e -> throw e;
            case Error e -> throw e;
            case RuntimeException e -> throw e;
            case Throwable e -> throw new IllegalStateException("a start throws nothing else", e);
        }
    }

    private static void awaitEnd(FutureTask<Process> start) throws InterruptedException {
        try {
            start.get();
        } catch (ExecutionException e) {
            // it has ended
        }
    }

    private static synchronized void ensureServed() {
        if (!isServed) {
            Thread thread = Thread.ofPlatform()
                    .daemon()
                    .name("sennit-starts")
                    .inheritInheritableThreadLocals(false)
                    .unstarted(ParentDeathSignal::serve);
            thread.setContextClassLoader(ClassLoader.getSystemClassLoader());
            Backend.start(thread);
            isServed = true;
        }
    }

    /** Never ends: its end would be that of all processes that it has started. */
    private static void serve() {
        while (true) {
            try {
                STARTS.take().run();
            } catch (Throwable e) {
                // an interrupt, which is nobody's, or no memory: the starter hears of it from the task
            }
        }
    }
}
