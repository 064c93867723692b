package dev.sennit.process;

import dev.sennit.codec.MessageBuffer;
import dev.sennit.codec.Reading;
import dev.sennit.codec.TaskCodec;
import dev.sennit.internal.Backend;
import dev.sennit.internal.ExitHooks;
import dev.sennit.internal.Fallbacks;
import dev.sennit.internal.Interrupts;
import dev.sennit.internal.Management;
import dev.sennit.internal.SubmitterLine;
import dev.sennit.internal.SystemSignals;
import dev.sennit.internal.boot.ParentClasses;
import dev.sennit.internal.machine.MeetingFolder;
import dev.sennit.internal.machine.MemoryFolder;
import dev.sennit.internal.view.ProgressGate;
import dev.sennit.internal.view.ProgressGate.Report;
import dev.sennit.internal.view.ProgressSink;
import dev.sennit.internal.view.TaskObserver;
import dev.sennit.process.WorkerLink.Kind;
import java.io.BufferedInputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * A worker process.
 *
 * <ol>
 *   <li>It connects to the socket that its parent made for it, and says that it is ready.
 *   <li>One thread reads tasks, runs them and sends what comes of them, one after another.
 *   <li>The main thread listens to the parent: it interrupts a task that is cancelled, exits when told to, and halts
 *       when the parent is gone, whatever the other thread is doing.
 * </ol>
 *
 * <p>Signals that end a program come to all of its processes at once: a terminal sends them to a group, systemd to all
 * that it finds. A worker has its parent decide, which may want to have tasks come to their ends.
 */
final class WorkerMain {
    private static final int PARENT_GONE = 143;
    /** What a worker leaves to its parent: a closed terminal sends HUP. */
    private static final List<String> FOR_THE_PARENT = List.of("TERM", "INT", "HUP");
    /** As sysexits.h has it: an internal error. */
    static final int CANNOT_GO_ON = 70;

    /** What a longer result needed is not kept for the next ones. */
    private static final int MOST_KEPT = 1 << 21;
    /** What a result needed that is no longer is kept. */
    private static final int ALWAYS_KEPT = 1 << 16;
    /** So many of those in a row, and what a longer one needed is let go. */
    private static final int QUIET = 256;

    /** Longer than the parent waits for a worker that it told to exit. */
    private static final Duration EXIT_LIMIT = Duration.ofSeconds(3);

    private WorkerMain() {}

    /**
     * Arguments: the worker's name, the folder to meet the parent in; where there is shared memory, its path and
     * whether to spin.
     */
    public static void main(String[] arguments) {
        leaveSignalsToTheParent(); // a start that a signal ends before that is repeated
        Fallbacks.tellNothing();
        Path folder = Path.of(arguments[1]);
        try {
            ParentClasses.connect(folder.resolve(MeetingFolder.SOCKET));
            WorkerLink.WorkerEnd end = connect(folder, arguments);
            var runner = new TaskThread(arguments[0], end);
            Backend.start(runner);
            listen(end, runner);
        } catch (IOException e) {
            if (Files.exists(folder)) { // else the parent removed it on its way out: there is nobody to tell
                System.err.println("worker " + arguments[0] + " lost its parent: " + e);
            }
        }
        try {
            // The parent is gone without a word: what it would have removed is removed here.
            MeetingFolder.remove(folder);
            ExitHooks.run();
            MemoryFolder.remove();
        } finally {
            Runtime.getRuntime().halt(PARENT_GONE);
        }
    }

    /**
     * They are handled, and nothing done: what is ignored by the system itself would be so in the programs that tasks
     * start. Where there are no signals, or the user's options keep them from Java, they end the worker as they do any
     * JVM.
     */
    private static void leaveSignalsToTheParent() {
        for (String signal : FOR_THE_PARENT) {
            try {
                SystemSignals.handle(signal, () -> true);
            } catch (IllegalStateException | IllegalArgumentException e) {
                // then the tasks that run when it comes are lost
            }
        }
    }

    private static WorkerLink.WorkerEnd connect(Path folder, String[] arguments) throws IOException {
        if (arguments.length > 2) {
            System.setIn(InputStream.nullInputStream()); // whose other end is closed
            return new RingLink.RingWorkerEnd(
                    Path.of(arguments[2]), Boolean.parseBoolean(arguments[3]), socketIn(folder));
        }
        var tasks = new BufferedInputStream(takeOverStandardInput());
        SocketChannel socket = socketIn(folder);
        return new PlainLink.PlainWorkerEnd(tasks, socket, StatusPage.open(folder.resolve(MeetingFolder.STATUS)));
    }

    private static SocketChannel socketIn(Path folder) throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve(MeetingFolder.SOCKET)));
    }

    /**
     * Tasks come through standard input, which is nobody else's: neither what a task reads nor a process it starts with
     * {@code inheritIO} may take some of them. So the pipe is opened once more, and the descriptor that others know
     * closed: the JDK puts the null device in its place.
     */
    private static InputStream takeOverStandardInput() throws IOException {
        System.setIn(InputStream.nullInputStream());
        var inherited = new FileInputStream(FileDescriptor.in);
        for (String again : List.of("/proc/self/fd/0", "/dev/fd/0")) {
            try {
                var own = new FileInputStream(again);
                inherited.close();
                return own;
            } catch (FileNotFoundException e) {
                // not on this system: then tasks' subprocesses have to do without inheritIO
            }
        }
        return inherited;
    }

    private static void listen(WorkerLink.WorkerEnd end, TaskThread runner) throws IOException {
        while (true) {
            long told = end.nextControl();
            if (told == Control.PARENT_GONE) {
                end.end();
                return;
            }
            if (told == Control.EXIT) {
                end.end();
                System.exit(0);
            }
            runner.cancel(told);
        }
    }

    /**
     * Runs tasks. It can be interrupted only while one runs: an interrupt that comes late, or from a thread that an
     * earlier task left behind, would close the socket.
     */
    private static final class TaskThread extends Thread implements ProgressSink, SubmitterLine {
        private final WorkerLink.WorkerEnd end;
        private final StatusPage page;
        /** Only this thread: where it writes what comes of a task. */
        private MessageBuffer outcome = new MessageBuffer();
        /** Only this thread: for the task that runs. */
        private final ProgressGate gate = new ProgressGate();
        /** Only this thread. Whether somebody hears the task that runs. */
        private boolean isHeard;
        /** Only this thread. How many results in a row were short. */
        private int shortInARow;

        /** Not this thread itself: a task may lock that. */
        private final Object lock = new Object();
        /** Guarded by lock. The task that runs, or 0. */
        private long running;
        /** Guarded by lock. The latest task that was cancelled: it may not have come yet. */
        private long cancelled;
        /**
         * Guarded by lock. Whether it sends for the task that runs: an interrupt now would close the socket, and comes
         * later.
         */
        private boolean isSending;
        /** Guarded by lock. Whether one comes later. */
        private boolean isLate;

        TaskThread(String name, WorkerLink.WorkerEnd end) {
            super(name);
            this.end = end;
            page = end.page();
        }

        void cancel(long task) {
            synchronized (lock) {
                cancelled = task;
            }
            // Without the lock: whoever interrupts this thread otherwise comes from there.
            Interrupts.interrupt(this, 0, () -> isRunning(task), () -> interruptIfRunning(task));
        }

        private boolean isRunning(long task) {
            synchronized (lock) {
                return running == task;
            }
        }

        private void interruptIfRunning(long task) {
            synchronized (lock) {
                if (running == task) {
                    interruptNowOrLater();
                }
            }
        }

        /** With the lock. */
        private void interruptNowOrLater() {
            if (isSending) {
                isLate = true;
            } else {
                super.interrupt();
            }
        }

        @Override
        public void interrupt() {
            synchronized (lock) {
                if (running != 0) {
                    interruptNowOrLater();
                }
            }
        }

        @Override
        public void progress(Report report) {
            long task;
            synchronized (lock) {
                task = running; // none while the output of a task is flushed, for example
            }
            if (task != 0 && gate.pass(report) instanceof Report now) {
                sendWhole(() -> send(task, now));
            }
        }

        @Override
        public boolean message(byte[] message) {
            long task;
            synchronized (lock) {
                task = cancelled == running ? 0 : running;
            }
            return task != 0
                    && isHeard
                    && sendWhole(() -> end.send(Kind.MESSAGE, task, 0, 0, MessageBuffer.of(message)));
        }

        @Override
        public BooleanSupplier stopSignal() {
            long task;
            synchronized (lock) {
                task = running;
            }
            return () -> task != 0 && page.isStopRequested(task);
        }

        private interface Sending {
            void send() throws IOException;
        }

        /** Sends for the task that runs; an interrupt waits until that is done. Returns false if the parent is gone. */
        private boolean sendWhole(Sending sending) {
            synchronized (lock) {
                isSending = true;
                isLate = Thread.interrupted();
            }
            try {
                sending.send();
                return true;
            } catch (IOException e) {
                return false; // as the main thread hears too
            } finally {
                synchronized (lock) {
                    isSending = false;
                    if (isLate) {
                        super.interrupt();
                    }
                }
            }
        }

        private void send(long task, Report report) throws IOException {
            var message = new MessageBuffer();
            message.write(report.message().getBytes(StandardCharsets.UTF_8));
            end.send(Kind.PROGRESS, task, report.done(), report.total(), message);
        }

        private boolean begin(long task) {
            synchronized (lock) {
                if (cancelled == task) {
                    return false;
                }
                running = task;
                return true;
            }
        }

        private void end() {
            synchronized (lock) {
                running = 0;
                Thread.interrupted();
            }
        }

        @Override
        public void run() {
            int exitCode = PARENT_GONE;
            try {
                end.send(Kind.READY, 0, 0, 0, new MessageBuffer());
                for (var task = end.nextTask(); task != null; task = end.nextTask()) {
                    boolean isOurs = !task.ahead() || page.claim(task.number());
                    page.saw(task.number());
                    if (!isOurs) {
                        continue; // it was taken back: nobody waits for an answer
                    }
                    page.began(task.number());
                    isHeard = task.heard();
                    if (begin(task.number())) {
                        runTask(task);
                    } else {
                        end.send(Kind.SKIPPED, task.number(), 0, 0, new MessageBuffer());
                    }
                }
                letMainThreadEndIt();
            } catch (IOException e) {
                letMainThreadEndIt();
            } catch (Throwable e) { // a worker that cannot go on must not look as if it could
                exitCode = CANNOT_GO_ON;
                e.printStackTrace();
            } finally {
                Runtime.getRuntime().halt(exitCode);
            }
        }

        /**
         * No more tasks come: the main thread hears why, and runs shutdown hooks or not. Should they hang, this thread
         * halts.
         */
        private static void letMainThreadEndIt() {
            long deadline = Backend.current().nanoTime() + EXIT_LIMIT.toNanos();
            for (long left = EXIT_LIMIT.toNanos(); left > 0; left = deadline - Backend.current().nanoTime()) {
                LockSupport.parkNanos(left);
            }
        }

        /** What a task printed comes before its answer. The streams may be others, which a task has put there. */
        private static void flushOutput() {
            try {
                System.out.flush();
                System.err.flush();
            } catch (Throwable e) {
                // then it is lost, and nothing else is
            }
        }

        private void runTask(WorkerLink.WorkerEnd.Task task) throws IOException {
            long cpuBefore = Management.knownCpuNanos(this);
            long start = Backend.current().nanoTime();
            Kind kind = Kind.VALUE;
            MessageBuffer message = outcome;
            message.clear();
            Object value = null;
            try {
                Reading reading = Reading.ofParent();
                Callable<?> body = TaskCodec.decode(task.message(), task.length(), reading, end.shapes());
                setContextClassLoader(reading.taskLoader());
                value = body.call();
                TaskCodec.encodeValue(value, TaskCodec.RESULT_REFUSED, message);
            } catch (Throwable e) { // an Error is the task's failure too, and the worker goes on
                kind = Kind.FAILURE;
                message = TaskCodec.encodeFailure(e, value);
            } finally {
                end();
            }
            flushOutput();
            Report last = gate.end();
            if (last != null) {
                send(task.number(), last);
            }
            long nanos = Backend.current().nanoTime() - start;
            page.ended(task.number());
            long cpu = cpuBefore < 0 ? TaskObserver.UNKNOWN : Management.knownCpuNanos(this) - cpuBefore;
            end.send(kind, task.number(), nanos, cpu, message);
            shortInARow = outcome.length() > ALWAYS_KEPT ? 0 : shortInARow + 1;
            int kept = outcome.bytes().length;
            if (kept > MOST_KEPT || (kept > 2 * ALWAYS_KEPT && shortInARow >= QUIET)) {
                outcome = new MessageBuffer();
            }
        }
    }
}
