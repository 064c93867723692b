package dev.sennit.internal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * Sends signals to other processes.
 *
 * <p>The system reuses a process id after its process has ended and was reaped. So the receiver is a
 * {@link ProcessHandle}, which knows when its process was started, and is alive only while the process with that id has
 * that start time.
 *
 * <ul>
 *   <li>On Linux, with native access: the sender first opens a descriptor of the process, and then checks the handle.
 *       If the handle is alive, its process had the id before too, so the descriptor refers to that process, even if
 *       the id is reused later.
 *   <li>Elsewhere: the sender checks the handle, then runs {@code kill}. The JDK's own {@link ProcessHandle#destroy}
 *       does the same.
 * </ul>
 */
public final class SignalSender {
    private static final int LAST = 64;
    private static final int KILL = 9;
    private static final int TERM = 15;

    /** Names by number, from 0. Linux and macOS differ from 7 on. */
    private static final List<String> LINUX = List.of(
            "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
            "ALRM", "TERM", "STKFLT",
            "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
            "PWR", "SYS");

    private static final List<String> MAC = List.of(
            "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "EMT", "FPE", "KILL", "BUS", "SEGV", "SYS", "PIPE", "ALRM",
            "TERM", "URG",
            "STOP", "TSTP", "CONT", "CHLD", "TTIN", "TTOU", "IO", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "INFO",
            "USR1", "USR2");

    private SignalSender() {}

    /**
     * Returns the number of a signal in this system.
     *
     * @param name the name, such as {@code TERM}
     * @return its number
     * @throws IllegalArgumentException if there is no such signal
     */
    public static int numberOf(String name) {
        List<String> names = System.getProperty("os.name", "").startsWith("Mac") ? MAC : LINUX;
        int number = names.indexOf(name);
        if (number <= 0) {
            throw new IllegalArgumentException(
                    "there is no signal \"" + name + "\" here: names are such as TERM, HUP or USR1");
        }
        return number;
    }

    /**
     * Sends a signal.
     *
     * @param process the receiver
     * @param signal its number
     * @return whether it was sent; false if the process has ended
     * @throws IllegalArgumentException if there can be no such signal
     * @throws UnsupportedOperationException if the system has no such signals
     * @throws IOException if the system refuses it
     * @throws InterruptedException if the thread is interrupted; the signal may have been sent
     */
    public static boolean send(ProcessHandle process, int signal) throws IOException, InterruptedException {
        if (signal < 1 || signal > LAST) {
            throw new IllegalArgumentException("signal must be from 1 to " + LAST + ", was " + signal);
        }
        if (System.getProperty("os.name", "").startsWith("Windows")) {
            return sendOnWindows(process, signal);
        }
        if (Linux.isAvailable()) {
            int descriptor = Linux.openProcess(process.pid());
            if (descriptor >= 0) {
                try {
                    return process.isAlive() && send(process, descriptor, signal);
                } finally {
                    Linux.close(descriptor);
                }
            } // the process has ended, or a container forbids this call
        }
        return process.isAlive() && sendByProgram(process, signal);
    }

    private static boolean send(ProcessHandle process, int descriptor, int signal) throws IOException {
        if (Linux.signal(descriptor, signal)) {
            return true;
        }
        if (process.isAlive()) {
            throw refused(process, signal, "no such signal, or not permitted");
        }
        return false;
    }

    private static boolean sendOnWindows(ProcessHandle process, int signal) {
        return switch (signal) {
            case KILL -> process.destroyForcibly();
            case TERM -> process.destroy();
            default ->
                throw new UnsupportedOperationException("Windows has no signals but TERM and KILL, was " + signal);
        };
    }

    /**
     * Runs {@code kill} in another thread, as starting a program takes milliseconds, which would delay an event loop.
     */
    private static boolean sendByProgram(ProcessHandle process, int signal) throws IOException, InterruptedException {
        var sent = new CompletableFuture<String>();
        BackgroundExecutor.execute(() -> {
            try {
                Process kill = new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                        .redirectErrorStream(true)
                        .start();
                kill.getOutputStream().close();
                String said = new String(kill.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                sent.complete(kill.waitFor() == 0 ? "" : "kill says: " + said.strip());
            } catch (Throwable e) {
                sent.completeExceptionally(e);
            }
        });
        try (var _ = Waits.outOfTurn()) {
            String problem = sent.get();
            if (problem.isEmpty()) {
                return true;
            }
            if (process.isAlive()) {
                throw refused(process, signal, problem);
            }
            return false;
        } catch (ExecutionException e) {
            throw new IOException(refused(process, signal, String.valueOf(e.getCause())).getMessage(), e.getCause());
        }
    }

    private static IOException refused(ProcessHandle process, int signal, String why) {
        return new IOException("signal " + signal + " cannot be sent to process " + process.pid() + ": " + why);
    }
}
