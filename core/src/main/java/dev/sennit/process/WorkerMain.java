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
 *   <li>The worker connects to its parent's socket, and reports that it is ready.
 *   <li>One thread reads tasks, runs them and sends their outcomes, one after another.
 *   <li>The main thread reads control messages: it interrupts a cancelled task, exits on request, and halts when the
 *       parent has ended, regardless of the other thread.
 * </ol>
 *
 * <p>A signal that ends a program reaches all of its processes at once: a terminal sends it to the process group,
 * systemd to all processes of the unit. A worker ignores such signals, as its parent may want to let tasks finish.
 */
final class WorkerMain {
    private static final int PARENT_GONE = 143;
    /** The signals that a worker leaves to its parent. A closed terminal sends HUP. */
    private static final List<String> FOR_THE_PARENT = List.of("TERM", "INT", "HUP");
    /** An internal error, as in sysexits.h. */
    static final int CANNOT_GO_ON = 70;

    /** A longer buffer is not kept for the next results. */
    private static final int MOST_KEPT = 1 << 21;
    /** A result up to this length is short. A buffer up to twice this length is always kept. */
    private static final int ALWAYS_KEPT = 1 << 16;
    /** After this many short results in a row, a longer buffer is released. */
    private static final int QUIET = 256;

    /** Longer than the parent waits for a worker that it told to exit. */
    private static final Duration EXIT_LIMIT = Duration.ofSeconds(3);

    private WorkerMain() {}

    /**
     * Runs a worker. Arguments: the worker's name, and the folder with the parent's socket; with shared memory also its
     * path, and whether the worker may spin.
     */
    public static void main(String[] arguments) {
        leaveSignalsToTheParent(); // if a signal ends the worker before, the pool starts another
        Fallbacks.tellNothing();
        Path folder = Path.of(arguments[1]);
        try {
            ParentClasses.connect(folder.resolve(MeetingFolder.SOCKET));
            WorkerLink.WorkerEnd end = connect(folder, arguments);
            var runner = new TaskThread(arguments[0], end);
            Backend.start(runner);
            listen(end, runner);
        } catch (IOException e) {
            if (Files.exists(folder)) { // otherwise the parent has removed it at its own end, and no one reads this
                System.err.println("worker " + arguments[0] + " lost its parent: " + e);
            }
        }
        try {
            // The parent has ended without cleaning up, so the worker removes the parent's files.
            MeetingFolder.remove(folder);
            ExitHooks.run();
            MemoryFolder.remove();
        } finally {
            Runtime.getRuntime().halt(PARENT_GONE);
        }
    }

    /**
     * Installs handlers that do nothing. If the worker ignored the signals instead, the programs that tasks start would
     * inherit that. Where Java cannot handle signals, or the user's options forbid it, they end the worker as they end
     * any JVM.
     */
    private static void leaveSignalsToTheParent() {
        for (String signal : FOR_THE_PARENT) {
            try {
                SystemSignals.handle(signal, () -> true);
            } catch (IllegalStateException | IllegalArgumentException e) {
                // then this signal ends the worker, and the running task is lost
            }
        }
    }

    private static WorkerLink.WorkerEnd connect(Path folder, String[] arguments) throws IOException {
        if (arguments.length > 2) {
            System.setIn(InputStream.nullInputStream()); // the parent has closed the other end
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
     * Returns the pipe of tasks, which is standard input, and takes it away from everything else: neither a task that
     * reads standard input, nor a process that a task starts with {@code inheritIO}, may consume tasks. So the worker
     * opens the pipe once more and closes the original descriptor; the JDK replaces it by the null device.
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
                // not on this system: then subprocesses of tasks must not use inheritIO
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
     * Runs tasks. Interrupts have an effect only while a task runs: a late interrupt, or one from a thread that an
     * earlier task has left behind, would close the socket.
     */
    private static final class TaskThread extends Thread implements ProgressSink, SubmitterLine {
        private final WorkerLink.WorkerEnd end;
        private final StatusPage page;
        /** Only this thread. The buffer for the outcome of a task. */
        private MessageBuffer outcome = new MessageBuffer();
        /** Only this thread. Limits the progress of the running task. */
        private final ProgressGate gate = new ProgressGate();
        /** Only this thread. Whether somebody hears the task that runs. */
        private boolean isHeard;
        /** Only this thread. How many results in a row were short. */
        private int shortInARow;

        /** Not this thread itself, as a task may lock the thread. */
        private final Object lock = new Object();
        /** Guarded by lock. The running task, or 0. */
        private long running;
        /** Guarded by lock. The task that was cancelled last; it may not have arrived yet. */
        private long cancelled;
        /**
         * Guarded by lock. Whether this thread sends for the running task: an interrupt would close the socket, and so
         * is delayed.
         */
        private boolean isSending;
        /** Guarded by lock. Whether an interrupt was delayed. */
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
            // Without the lock, as Interrupts has locks of its own, and calls interrupt() with them.
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
                task = running; // 0 between two tasks, and while the output of a task is flushed
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
                return false; // the parent is gone, and the main thread notices that too
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
                        continue; // it was taken back, so no answer is expected
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
            } catch (Throwable e) { // the worker must end: if only this thread ended, the parent would wait for ever
                exitCode = CANNOT_GO_ON;
                e.printStackTrace();
            } finally {
                Runtime.getRuntime().halt(exitCode);
            }
        }

        /**
         * Waits while the main thread ends the process, with or without shutdown hooks. If the hooks hang, this method
         * returns and this thread halts the process.
         */
        private static void letMainThreadEndIt() {
            long deadline = Backend.current().nanoTime() + EXIT_LIMIT.toNanos();
            for (long left = EXIT_LIMIT.toNanos(); left > 0; left = deadline - Backend.current().nanoTime()) {
                LockSupport.parkNanos(left);
            }
        }

        /** Writes the output of a task before its answer is sent. A task may have replaced the streams. */
        private static void flushOutput() {
            try {
                System.out.flush();
                System.err.flush();
            } catch (Throwable e) {
                // then only this output is lost
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
            } catch (Throwable e) { // an Error fails the task too, and the worker goes on
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
