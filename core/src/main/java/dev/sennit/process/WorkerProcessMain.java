package dev.sennit.process;

import dev.sennit.codec.MessageBuffer;
import dev.sennit.codec.Reading;
import dev.sennit.codec.TaskCodec;
import dev.sennit.internal.Backend;
import dev.sennit.internal.ExitHooks;
import dev.sennit.internal.Fallbacks;
import dev.sennit.internal.boot.ParentClasses;
import dev.sennit.internal.machine.MeetingFolder;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The other side of a {@link WorkerProcess}.
 *
 * <ol>
 *   <li>It connects to the socket that its parent made for it, and reads the user's main from it.
 *   <li>The main thread runs that. What it throws is told to the parent, and then ends this JVM's main thread, as it
 *       does in any program.
 *   <li>A thread listens for the end of the parent, and ends this process then.
 * </ol>
 *
 * <pre>
 * parent to child: int length, bytes of the main
 * child to parent: int length, bytes of a failure, if there is one
 * </pre>
 */
final class WorkerProcessMain {
    /** What shutdown hooks have when the parent is gone. */
    private static final Duration EXIT_LIMIT = Duration.ofSeconds(2);
    private static final int PARENT_GONE = 143;

    /** Written once, before the user's main. */
    private static volatile @Nullable String name;

    private WorkerProcessMain() {}

    /** The name of this process, or null if it is not a {@link WorkerProcess}. */
    static @Nullable String name() {
        return name;
    }

    /** Arguments: the process's name, and the folder to meet the parent in. */
    public static void main(String[] arguments) throws Exception {
        Fallbacks.tellNothing();
        name = arguments[0];
        Thread.currentThread().setName(arguments[0]);
        SocketChannel parent;
        byte[] main;
        try {
            Path socket = Path.of(arguments[1]).resolve(MeetingFolder.SOCKET);
            ParentClasses.connect(socket);
            parent = SocketChannel.open(UnixDomainSocketAddress.of(socket));
            main = read(parent);
        } catch (IOException e) {
            System.err.println("process " + arguments[0] + " lost its parent: " + e);
            // What the parent would have removed is removed here.
            MeetingFolder.remove(Path.of(arguments[1]));
            Runtime.getRuntime().halt(PARENT_GONE);
            return;
        }
        var watch = new ParentWatch(parent);
        Backend.start(watch);
        Runtime.getRuntime().addShutdownHook(new Thread(watch::leaveNativeCode, "sennit-end"));
        try {
            Reading reading = Reading.ofParent();
            Callable<?> body = TaskCodec.decodeTask(main, main.length, reading);
            Thread.currentThread().setContextClassLoader(reading.taskLoader());
            body.call();
        } catch (Throwable e) {
            Thread.interrupted(); // else the channel is closed instead of written to
            tell(parent, e);
            throw e; // printed with its stack, and makes the exit code 1
        }
    }

    private static void exit() {
        try {
            ExitHooks.run();
        } finally {
            System.exit(PARENT_GONE);
        }
    }

    private static byte[] read(SocketChannel parent) throws IOException {
        var in = new DataInputStream(Channels.newInputStream(parent));
        int length = in.readInt();
        byte[] message = in.readNBytes(length);
        if (message.length < length) {
            throw new EOFException("it ended in the middle of the main");
        }
        return message;
    }

    private static void tell(SocketChannel parent, Throwable failure) {
        try {
            MessageBuffer message = TaskCodec.encodeFailure(failure);
            var out = new DataOutputStream(Channels.newOutputStream(parent));
            out.writeInt(message.length());
            out.write(message.bytes(), 0, message.length());
        } catch (IOException e) {
            // the parent is gone, and this process with it
        }
    }

    /**
     * Ends this process when the parent is gone. Nobody can interrupt it: that would look like the parent's end.
     *
     * <p>A thread in native code, as one that reads is, delays the end of a JVM by 0.3 s. So once this one ends, the
     * thread only looks now and then.
     */
    private static final class ParentWatch extends Thread {
        private static final long LOOKS_NANOS = 50_000_000;

        private final SocketChannel parent;
        private final Optional<ProcessHandle> parentProcess = ProcessHandle.current().parent();
        /** Written once, by a shutdown hook. */
        private volatile boolean ending;

        ParentWatch(SocketChannel parent) {
            super("sennit-parent-watch");
            this.parent = parent;
            setDaemon(true);
        }

        @Override
        public void interrupt() {}

        void leaveNativeCode() {
            ending = true;
            try {
                parent.shutdownInput(); // the end of what it reads
            } catch (IOException e) {
                // it has left
            }
        }

        @Override
        public void run() {
            try {
                Channels.newInputStream(parent).read(); // the parent says nothing more: this is its end, or ours
                while (ending && parentProcess.filter(ProcessHandle::isAlive).isPresent()) {
                    LockSupport.parkNanos(LOOKS_NANOS);
                }
                Thread exit = new Thread(WorkerProcessMain::exit, "sennit-exit");
                Backend.start(exit);
                exit.join(EXIT_LIMIT);
            } catch (Throwable e) { // whatever it is, this process may not stay
                Runtime.getRuntime().halt(PARENT_GONE);
            }
            Runtime.getRuntime().halt(PARENT_GONE);
        }
    }
}
