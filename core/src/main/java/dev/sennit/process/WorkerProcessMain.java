package dev.sennit.process;

import dev.sennit.TaskSerializationException;
import dev.sennit.codec.AllowList;
import dev.sennit.codec.MessageBuffer;
import dev.sennit.codec.Reading;
import dev.sennit.codec.TaskCodec;
import dev.sennit.internal.Backend;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.ExitHooks;
import dev.sennit.internal.Fallbacks;
import dev.sennit.internal.boot.ParentClasses;
import dev.sennit.internal.linux.ProcessTitle;
import dev.sennit.internal.machine.MeetingFolder;
import dev.sennit.process.Frames.Frame;
import dev.sennit.process.Frames.Kind;
import java.io.IOException;
import java.io.Serial;
import java.io.Serializable;
import java.io.StreamCorruptedException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The other side of a {@link WorkerProcess}.
 *
 * <ol>
 *   <li>It connects to the socket that its parent made for it. From then on a thread reads what the parent says:
 *       {@link Frames} has the protocol.
 *   <li>The main thread waits for the user's main and runs that. What it throws is told to the parent, and then ends
 *       this JVM's main thread, as it does in any program.
 *   <li>When the parent has ended or says what makes no sense, the thread that reads ends this process.
 * </ol>
 */
final class WorkerProcessMain {
    /** What a parent has that is slow to read the last notes of a process that ends. */
    private static final Duration LAST_NOTES_LIMIT = Duration.ofSeconds(1);

    /** The main of a process that is no spare is there before. */
    private static final Duration SPARE_AFTER = Duration.ofMillis(50);

    /** As of SIGTERM. */
    private static final int STOPPED = 143;
    private static final int PARENT_GONE = STOPPED;
    private static final int REFUSED = 1;

    /** Written once, before the user's main. */
    private static volatile @Nullable String name;
    /** Written once, before the user's main. */
    private static volatile @Nullable ParentProcess parent;

    private record Given(String name, byte[] main) {}

    /** A main of records, as that of a service is: the JDK generates classes for each shape that it meets first. */
    private record Rehearsal(FourParts four, ThreeParts three, TwoParts two) implements WorkerProcess.Main {
        @Serial
        private static final long serialVersionUID = 1L;

        @Override
        public void run() {}
    }

    private record FourParts(String text, String other, int number, long large) implements Serializable {
        @Serial
        private static final long serialVersionUID = 1L;
    }

    private record ThreeParts(@Nullable Object one, @Nullable String other, boolean flag) implements Serializable {
        @Serial
        private static final long serialVersionUID = 1L;
    }

    private record TwoParts(Duration time, Map<String, String> map) implements Serializable {
        @Serial
        private static final long serialVersionUID = 1L;
    }

    private WorkerProcessMain() {}

    /** The name of this process, or null if it is not a {@link WorkerProcess}. */
    static @Nullable String name() {
        return name;
    }

    /** The parent of this process, or null if it is not a {@link WorkerProcess}. */
    static @Nullable ParentProcess parent() {
        return parent;
    }

    /** Arguments: the process's name, and the folder to meet the parent in. */
    public static void main(String[] arguments) throws Exception {
        Fallbacks.tellNothing();
        Path folder = Path.of(arguments[1]);
        ParentWatch watch;
        try {
            Path socket = folder.resolve(MeetingFolder.SOCKET);
            ParentClasses.connect(socket);
            watch = new ParentWatch(arguments[0], folder, SocketChannel.open(UnixDomainSocketAddress.of(socket)));
        } catch (IOException e) {
            haltBeforeMain(PARENT_GONE, arguments[0], folder, "lost its parent: " + e);
            return;
        }
        Backend.start(watch);
        Runtime.getRuntime().addShutdownHook(new Thread(watch::leaveNativeCode, "sennit-end"));
        if (!comesSoon(watch.given)) {
            warmUp();
        }
        Given given = watch.given.join();
        name = given.name();
        parent = watch.parent;
        Thread.currentThread().setName(given.name());
        try {
            Reading reading = Reading.ofParent();
            Callable<?> body = TaskCodec.decodeTask(given.main(), given.main().length, reading);
            Thread.currentThread().setContextClassLoader(reading.taskLoader());
            body.call();
        } catch (Throwable e) {
            Thread.interrupted(); // else the wait below is none
            tell(watch.outbox, e);
            throw e; // printed with its stack, and makes the exit code 1
        }
    }

    private static boolean comesSoon(CompletableFuture<Given> given) throws InterruptedException {
        try {
            given.get(SPARE_AFTER.toNanos(), TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException | ExecutionException e) {
            return false;
        }
    }

    /** Loads what a main needs on its way in, while there is none: of a spare's wait for its main, most is that. */
    private static void warmUp() {
        try {
            var nothing = new Rehearsal(
                    new FourParts("", "", 0, 0),
                    new ThreeParts(null, null, false),
                    new TwoParts(Duration.ZERO, Map.of()));
            MessageBuffer task = TaskCodec.encodeTask(new WorkerProcess.MainTask(nothing), nothing.getClass(),
                    "warm-up", new ArrayList<>(), AllowList.forWorkers(List.of()));
            TaskCodec.decodeTask(task.bytes(), task.length(), Reading.ofParent()).call();
            ProcessTitle.room(); // a service sets its title first
        } catch (Throwable e) {
            // the user's main will say what is wrong
        }
    }

    private static void haltBeforeMain(int exitCode, String process, Path folder, String why) {
        System.err.println("process " + process + " " + why);
        // What the parent would have removed is removed here.
        MeetingFolder.remove(folder);
        Runtime.getRuntime().halt(exitCode);
    }

    private static void tell(Outbox outbox, Throwable failure) {
        try {
            MessageBuffer message = TaskCodec.encodeFailure(failure);
            if (!Kind.FAILURE.takes(message.length())) {
                message = TaskCodec.encodeFailure(new TaskSerializationException(
                        "exception cannot travel home: " + failure.getClass().getName() + " has " + message.length()
                                + " bytes",
                        null));
            }
            outbox.add(Kind.FAILURE, message.bytes(), message.length());
            outbox.awaitSent(Deadline.NEVER);
        } catch (IOException e) {
            // what cannot be written is in the stack trace that is printed
        }
    }

    /**
     * Reads what the parent says, and ends this process when the parent is gone. Nobody can interrupt it.
     *
     * <p>A thread in native code, as one that reads is, delays the end of a JVM by 0.3 s. So once this one ends, the
     * thread only looks now and then.
     */
    private static final class ParentWatch extends Thread {
        private static final long LOOKS_NANOS = 50_000_000;

        private final Path folder;
        private final SocketChannel socket;
        private final Selector selector;
        private final Frames.Reader in = new Frames.Reader(EnumSet.of(Kind.SETTINGS, Kind.MAIN, Kind.NOTE, Kind.STOP));
        final Outbox outbox = Outbox.ofChild();
        final ParentProcess parent = new ParentProcess(outbox);
        final CompletableFuture<Given> given = new CompletableFuture<>();
        /** Only this thread. */
        private String process;
        /** Only this thread; null until the settings have come. */
        private @Nullable Duration orphanLimit;
        /** Written once, by a shutdown hook. */
        private volatile boolean ending;

        ParentWatch(String process, Path folder, SocketChannel socket) throws IOException {
            super("sennit-parent-watch");
            this.process = process;
            this.folder = folder;
            this.socket = socket;
            setDaemon(true);
            selector = Selector.open();
            socket.configureBlocking(false);
            outbox.add(Frames.greeting());
            outbox.open(socket, socket.register(selector, SelectionKey.OP_READ));
        }

        @Override
        public void interrupt() {}

        void leaveNativeCode() {
            ending = true;
            selector.wakeup();
            outbox.awaitSent(Deadline.in(LAST_NOTES_LIMIT));
        }

        @Override
        public void run() {
            try {
                listen();
                end(PARENT_GONE, "lost its parent");
            } catch (StreamCorruptedException e) {
                end(REFUSED, "ends, as it does not understand its parent: " + e.getMessage());
            } catch (IOException e) {
                end(PARENT_GONE, "lost its parent: " + e);
            } catch (Throwable e) { // whatever it is, this process may not stay
                Runtime.getRuntime().halt(PARENT_GONE);
            }
        }

        /** Returns when the parent has ended. */
        private void listen() throws IOException {
            while (true) {
                if (ending) {
                    LockSupport.parkNanos(LOOKS_NANOS);
                } else {
                    selector.select();
                    selector.selectedKeys().clear();
                }
                outbox.flush();
                if (!in.fill(socket)) {
                    return;
                }
                for (Frame frame = in.next(); frame != null; frame = in.next()) {
                    take(frame);
                }
            }
        }

        private void take(Frame frame) throws StreamCorruptedException {
            switch (frame.kind()) {
                case GREETING -> frame.ensureVersion();
                case SETTINGS -> {
                    ensure(orphanLimit == null, frame);
                    orphanLimit = frame.duration();
                    process = frame.name();
                }
                case MAIN -> {
                    ensure(orphanLimit != null && !given.isDone(), frame);
                    outbox.add(Frames.begun());
                    given.complete(new Given(process, frame.content()));
                }
                case NOTE -> {
                    ensure(given.isDone(), frame);
                    parent.received(frame.content());
                }
                case STOP -> {
                    if (!parent.stop(frame.duration())) {
                        Backend.start(new Thread(() -> System.exit(STOPPED), "sennit-exit"));
                    }
                }
                default -> ensure(false, frame);
            }
        }

        private static void ensure(boolean inPlace, Frame frame) throws StreamCorruptedException {
            if (!inPlace) {
                throw new StreamCorruptedException("a " + frame.kind() + " has no place here");
            }
        }

        private void end(int exitCode, String why) {
            Duration limit = orphanLimit;
            if (limit == null || !given.isDone()) {
                haltBeforeMain(exitCode, process, folder, why);
                return;
            }
            if (exitCode == REFUSED) {
                System.err.println("process " + process + " " + why);
            }
            try {
                outbox.close();
                if (limit.isPositive()) {
                    parent.stop(limit);
                    Thread exit = new Thread(() -> exit(exitCode), "sennit-exit");
                    Backend.start(exit);
                    exit.join(limit);
                }
            } catch (Throwable e) { // whatever it is, this process may not stay
                Runtime.getRuntime().halt(exitCode);
            }
            Runtime.getRuntime().halt(exitCode);
        }

        private void exit(int exitCode) {
            try {
                ExitHooks.run();
                parent.awaitStopListeners();
            } catch (InterruptedException e) {
                // nobody knows this thread
            } finally {
                System.exit(exitCode);
            }
        }
    }
}
